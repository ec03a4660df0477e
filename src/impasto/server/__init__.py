"""The studio and its HTTP API: photos in, paintings out, over HTTP (needs ``impasto[studio]``)."""
