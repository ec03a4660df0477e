// Every word on the page, once per language; numbers and units by Intl. No text stands in the HTML or CSS.

const en = {
  welcome: "Drop a photo here", welcomeHow: "or paste one. It is painted at once.", choose: "Choose a photo", take: "Take a photo",
  samples: "Or try one of these", private: "Your photo stays on this computer.", dropHere: "Drop to paint", dropStyle: "Drop a painting to paint in its style",
  stage: "Painting", painting: "Your photo, painted: {style}", paintingEmpty: "No photo yet", undo: "Undo", redo: "Redo", theme: "Light or dark", help: "Help and privacy", language: "Language", close: "Close",
  tools: "Tools", compareShort: "Compare", compare: "Before and after", compareValue: "{share} photo", brush: "Brush", loupe: "Loupe", hold: "Show photo", holdHow: "Hold to see the photo (Space)",
  brushTools: "Brush", brushOrEraser: "Brush or eraser", paintOn: "Paint", eraser: "Eraser", size: "Size", softness: "Soft edge", regions: "What the brush paints", keepPhoto: "Keep the photo", protect: "Protect a face", protectHow: "What is protected keeps the features of the photo, in the colours of the painting", clear: "Clear all regions",
  brushArea: "Brush area. Arrow keys move the brush, Space paints, Shift with arrow keys draws.", brushHint: "The brush paints {style}. Click a style to change that.", brushKeeps: "The brush keeps the photo. Click a style to paint that instead.", brushProtects: "The brush protects: a face keeps its features. Click a style to paint that instead.", regionFull: "There are 8 regions already. Erase one first.",
  lens: "Loupe. Arrow keys move it.", lensTag: "100 %", lensAbout: "about 100 %",
  look: "Look", styles: "Styles", search: "Search styles", mix: "Mix", noStyles: "No style has that name.", chosen: "Chosen styles", similar: "Similar", mixHint: "Click up to 4 styles to mix them.", mixFull: "A mix holds up to 4 styles. Take one out first.",
  pad: "Mix", padX: "To the right", padY: "Down", weights: "Shares of the mix", takeOut: "Take out {style}", weight: "{style}: {share}",
  dials: "Dials", strength: "Strength", strengthValue: "strength {share}", strokes: "Strokes", small: "Small", medium: "Medium", large: "Large", strokeSize: "Stroke size", strokeAuto: "as painted", network: "Painting", networkLacks: "Not among the styles of “{network}”: {styles}. Back in “{former}” all is as it was.", full: "Fine", fast: "Fast", keepColor: "Keep the photo's colours",
  photos: "Photos", addPhotos: "Add photos", showPhoto: "Show {name}", removePhoto: "Remove {name}", photoFailed: "{name}: {why}",
  download: "Download", downloadAll: "All {count} as ZIP", cancel: "Cancel", share: "Copy the recipe", fileOptions: "File", format: "Format", quality: "Quality", paintedAt: "Painted at", original: "Original", ownSize: "Other size", longerSide: "Longer side, px", dpi: "Pixels per inch", dpiHint: "as the photo",
  metadata: "Keep the place and camera data", copyPicture: "Copy as picture", copied: "Copied", copiedPicture: "The picture is on the clipboard.", noClipboard: "This browser does not let the page use the clipboard.", printSize: "Printed: {width} × {height} cm", progress: "Progress", paintedAs: "{size} px",
  plan: "{width} × {height} px", planTime: "{megapixels} megapixels, about {time}", planMemory: "Takes about {memory} of memory.", planTight: "That takes {memory} of memory, and {free} are free. Close other programs, or paint it smaller.",
  waiting: "Waiting, about {time}", waitingPlace: "Waiting, {position} before it", working: "{share}, {time} left", starting: "Starting", saved: "Saved: {name}", cancelled: "Cancelled. Nothing was saved.", packing: "Making the ZIP", allWork: "{done} of {count}, {share}", allSaved: "{done} of {count} photos are in the ZIP.", allFailed: "Not painted: {names}.",
  shareTitle: "The recipe", shareHow: "It paints the same again, elsewhere.", link: "Link", command: "Shell command", python: "Python line", copy: "Copy", masksHow: "The regions are pictures: save them beside the photo.", saveMasks: "Save the masks",
  teach: "Teach a style", teachTitle: "Teach a style", teachHow: "Choose or drop a painting. It becomes a style of your own in some minutes.", choosePainting: "Choose a painting", teachExtra: "Teaching needs an extra part of impasto. Install it, then start the studio again:", name: "Name", minutes: "Minutes", start: "Start", stop: "Stop and keep the best", throwAway: "Throw away", teaching: "Step {step} of {steps}, {time} left", preparing: "Looking for the nearest mix of known styles", taught: "{style} is now one of your styles.", styleFile: "Save the style's file", useStyle: "Paint with it", myStyle: "my-style",
  ownStyle: "Your own painting", ownHow: "Choose or drop a painting. It becomes a style within seconds.", atOnce: "Paint with it", thorough: "Teach it for some minutes instead", coming: "Looking at {name}", styleForget: "Remove it",
  addStyle: "Add a style", styleHow: "Styles are taught with impasto on a computer. Open a style's file here, or drop it on the page.", openStyle: "Open a style's file", styleOther: "{style} is now one of your styles in “{network}”.",
  "error_bad-style": "That file is damaged or not a style.", "error_newer-style": "That style is of a newer impasto. Reload the page, then try again.", "error_other-style": "That style belongs to another network.", "error_known-style": "That style is here already.",
  error_undecodable: "This browser does not read that kind of picture. Save it as JPEG or PNG.", "error_too-many-here": "This browser paints up to {most} megapixels in “{network}”. Choose a smaller size under File.",
  "error_not-here": "That part of impasto is not on this device yet. Go online once, then try again.", "error_no-simd": "This browser is too old to paint. Update it, or install impasto.",
  "error_zip-too-large": "A ZIP holds up to 4 GB. Download fewer photos at a time.",
  renewal: "A new version is ready.", reload: "Load it", renewalWaits: "The new version waits until impasto is open in one window only. Close the others, then try again.",
  shutter: "Take it", noCamera: "The camera cannot be used: {why}",
  helpHow: "Choose a photo, then a style. Ctrl or Shift and a click adds a style to the mix. The brush gives a part of the picture another style, keeps it as it is, or protects a face.",
  kept: "Your photo stays on this computer. So that a reload loses nothing, this browser keeps photo and recipe for 24 hours.", forget: "Forget everything now", forgot: "Photo and recipe are forgotten.", notKept: "This browser cannot keep a photo of that size. A reload will lose it.", about: "impasto {version}, {precision}",
  painted: "Painted in {time}.", sharpening: "Getting sharp", offline: "The studio does not answer. Is it still running? Start it again with: impasto studio", offlineApp: "impasto does not answer. Start it again.", back: "The studio is back.", end: "End impasto", ended: "impasto has ended. You can close this page.", strange: "Something went wrong: {why}", nothingThere: "There was no picture in that.",
  "error_too-large": "That file is too large. The studio takes up to {size}.", "error_too-many-pixels": "That picture is too large. The studio takes up to {pixels} megapixels.",
  "error_unsupported-type": "The studio does not read that kind of file. Save it as JPEG or PNG.", "error_unsupported-format": "The studio does not read that kind of file. Save it as JPEG or PNG.", "error_bad-picture": "That file cannot be read as a picture.", "error_not-a-picture": "That file cannot be read as a picture.",
  error_busy: "The studio is busy. Try again in a moment.", "error_not-ready": "The studio is busy. Try again in a moment.", error_gone: "The studio no longer has that photo. Drop it once more.", "error_unknown-style": "The studio does not have that style.",
  "error_worker-died": "The painting broke off. Try again, or paint it smaller.", "error_too-slow": "The painting took too long. Paint it smaller.", "error_no-memory": "There is not enough memory for that. Paint it smaller.", "error_no-space": "The disk is full. Make room, then try again.",
  error_token: "Open the address that the studio printed: this one is no longer valid.", error_slow: "The photo came too slowly. Try again.", error_fault: "Something went wrong in the studio. Try again.",
  "error_name-taken": "There is a style of that name already. Choose another name.",
  "error_bad-option": "One of the dials stands where it cannot. Turn it back a little.", "error_bad-request": "The studio does not understand what this page asked for. Load the page anew.", "error_no-mask": "The studio has lost a region. Paint on it once more.", "error_too-many-styles": "A mix holds up to {styles} styles. Take one out first.", "error_unknown-network": "The studio does not have that way of painting.",
  "error_key-used": "That painting was ordered before, and looked different. Press Download once more.", "error_not-done": "That is not done yet. Wait a moment.", "error_cannot-learn": "That painting cannot be learned. Choose a larger picture, or another one.", "error_missing-extra": "For that a part of impasto is missing. Install it, then start the studio again: pip install 'impasto[learn]'",
  error_rate: "Too much was asked in a minute. Wait a little, then go on.", error_origin: "The studio takes nothing from another page. Open the address that it printed.", error_host: "The studio does not know this address. Open the one that it printed.", error_headers: "The studio does not take an address that long. Open the one that it printed.", error_ending: "The studio is ending. Start it again with: impasto studio",
  keyBrush: "Brush", keyEraser: "Eraser", keySize: "Smaller or larger brush", keyPhoto: "Show the photo", keyCompare: "Compare", keyLoupe: "Loupe", keyUndo: "Undo, redo", keyPaste: "Paste a photo", keySave: "Download", keySearch: "Search styles", space: "Space",
  sample_astronaut: "Portrait", sample_coffee: "Coffee", sample_chelsea: "Cat",
};

const de = {
  welcome: "Foto hier ablegen", welcomeHow: "oder einfügen. Es wird sofort gemalt.", choose: "Foto auswählen", take: "Foto aufnehmen",
  samples: "Oder probiere eines von diesen", private: "Dein Foto bleibt auf diesem Computer.", dropHere: "Loslassen zum Malen", dropStyle: "Gemälde loslassen, um in seinem Stil zu malen",
  stage: "Gemälde", painting: "Dein Foto, gemalt: {style}", paintingEmpty: "Noch kein Foto", undo: "Rückgängig", redo: "Wiederholen", theme: "Hell oder dunkel", help: "Hilfe und Datenschutz", language: "Sprache", close: "Schließen",
  tools: "Werkzeuge", compareShort: "Vergleich", compare: "Vorher und nachher", compareValue: "{share} Foto", brush: "Pinsel", loupe: "Lupe", hold: "Foto zeigen", holdHow: "Gedrückt halten, um das Foto zu sehen (Leertaste)",
  brushTools: "Pinsel", brushOrEraser: "Pinsel oder Radierer", paintOn: "Malen", eraser: "Radierer", size: "Größe", softness: "Weicher Rand", regions: "Was der Pinsel malt", keepPhoto: "Foto behalten", protect: "Gesicht schützen", protectHow: "Geschütztes behält die Züge des Fotos, in den Farben des Gemäldes", clear: "Alle Bereiche entfernen",
  brushArea: "Malfläche. Pfeiltasten bewegen den Pinsel, Leertaste malt, Umschalt mit Pfeiltasten zieht einen Strich.", brushHint: "Der Pinsel malt {style}. Klicke einen Stil an, um das zu ändern.", brushKeeps: "Der Pinsel behält das Foto. Klicke einen Stil an, um stattdessen den zu malen.", brushProtects: "Der Pinsel schützt: Ein Gesicht behält seine Züge. Klicke einen Stil an, um stattdessen den zu malen.", regionFull: "Es gibt schon 8 Bereiche. Radiere zuerst einen weg.",
  lens: "Lupe. Pfeiltasten bewegen sie.", lensTag: "100 %", lensAbout: "etwa 100 %",
  look: "Aussehen", styles: "Stile", search: "Stile suchen", mix: "Mischen", noStyles: "Kein Stil heißt so.", chosen: "Gewählte Stile", similar: "Ähnlich", mixHint: "Klicke bis zu 4 Stile an, um sie zu mischen.", mixFull: "Eine Mischung hat bis zu 4 Stile. Nimm zuerst einen heraus.",
  pad: "Mischung", padX: "Nach rechts", padY: "Nach unten", weights: "Anteile der Mischung", takeOut: "{style} herausnehmen", weight: "{style}: {share}",
  dials: "Regler", strength: "Stärke", strengthValue: "Stärke {share}", strokes: "Pinselstriche", small: "Fein", medium: "Mittel", large: "Grob", strokeSize: "Strichgröße", strokeAuto: "wie gemalt", network: "Malweise", networkLacks: "Nicht unter den Stilen von „{network}“: {styles}. Zurück in „{former}“ ist alles wie zuvor.", full: "Genau", fast: "Schnell", keepColor: "Farben des Fotos behalten",
  photos: "Fotos", addPhotos: "Fotos hinzufügen", showPhoto: "{name} zeigen", removePhoto: "{name} entfernen", photoFailed: "{name}: {why}",
  download: "Download", downloadAll: "Alle {count} als ZIP", cancel: "Abbrechen", share: "Rezept kopieren", fileOptions: "Datei", format: "Format", quality: "Qualität", paintedAt: "Gemalt in", original: "Originalgröße", ownSize: "Andere Größe", longerSide: "Längere Seite, px", dpi: "Pixel pro Zoll", dpiHint: "wie das Foto",
  metadata: "Ort und Kameradaten behalten", copyPicture: "Als Bild kopieren", copied: "Kopiert", copiedPicture: "Das Bild ist in der Zwischenablage.", noClipboard: "Dieser Browser lässt die Seite nicht an die Zwischenablage.", printSize: "Gedruckt: {width} × {height} cm", progress: "Fortschritt", paintedAs: "{size} px",
  plan: "{width} × {height} px", planTime: "{megapixels} Megapixel, etwa {time}", planMemory: "Braucht etwa {memory} Arbeitsspeicher.", planTight: "Das braucht {memory} Arbeitsspeicher, und {free} sind frei. Schließe andere Programme oder male kleiner.",
  waiting: "Wartet, etwa {time}", waitingPlace: "Wartet, {position} davor", working: "{share}, noch {time}", starting: "Beginnt", saved: "Gespeichert: {name}", cancelled: "Abgebrochen. Nichts wurde gespeichert.", packing: "ZIP wird gepackt", allWork: "{done} von {count}, {share}", allSaved: "{done} von {count} Fotos sind im ZIP.", allFailed: "Nicht gemalt: {names}.",
  shareTitle: "Das Rezept", shareHow: "Damit wird anderswo genauso gemalt.", link: "Link", command: "Shell-Befehl", python: "Python-Zeile", copy: "Kopieren", masksHow: "Die Bereiche sind Bilder: Speichere sie neben dem Foto.", saveMasks: "Masken speichern",
  teach: "Stil lernen", teachTitle: "Einen Stil lernen", teachHow: "Wähle ein Gemälde oder lege es hier ab. In einigen Minuten wird es dein eigener Stil.", choosePainting: "Gemälde auswählen", teachExtra: "Zum Lernen fehlt ein Teil von impasto. Installiere ihn und starte das Studio neu:", name: "Name", minutes: "Minuten", start: "Beginnen", stop: "Aufhören und das Beste behalten", throwAway: "Verwerfen", teaching: "Schritt {step} von {steps}, noch {time}", preparing: "Sucht die nächste Mischung bekannter Stile", taught: "{style} ist jetzt einer deiner Stile.", styleFile: "Datei des Stils speichern", useStyle: "Damit malen", myStyle: "mein-stil",
  ownStyle: "Dein eigenes Gemälde", ownHow: "Wähle ein Gemälde oder lege es hier ab. In Sekunden wird es ein Stil.", atOnce: "Damit malen", thorough: "Es stattdessen einige Minuten lernen", coming: "Sieht sich {name} an", styleForget: "Entfernen",
  addStyle: "Stil hinzufügen", styleHow: "Stile werden mit impasto auf einem Computer gelernt. Öffne hier die Datei eines Stils, oder lege sie auf der Seite ab.", openStyle: "Datei eines Stils öffnen", styleOther: "{style} ist jetzt einer deiner Stile in „{network}“.",
  "error_bad-style": "Diese Datei ist beschädigt oder kein Stil.", "error_newer-style": "Dieser Stil ist von einem neueren impasto. Lade die Seite neu und versuche es dann noch einmal.", "error_other-style": "Dieser Stil gehört zu einem anderen Netz.", "error_known-style": "Diesen Stil gibt es hier schon.",
  error_undecodable: "Solche Bilder liest dieser Browser nicht. Speichere sie als JPEG oder PNG.", "error_too-many-here": "Dieser Browser malt in „{network}“ bis zu {most} Megapixel. Wähle unter Datei eine kleinere Größe.",
  "error_not-here": "Dieser Teil von impasto ist noch nicht auf diesem Gerät. Gehe einmal online und versuche es dann noch einmal.", "error_no-simd": "Dieser Browser ist zu alt zum Malen. Aktualisiere ihn oder installiere impasto.",
  "error_zip-too-large": "Ein ZIP fasst bis zu 4 GB. Lade weniger Fotos auf einmal herunter.",
  renewal: "Eine neue Version ist da.", reload: "Laden", renewalWaits: "Die neue Version wartet, bis impasto nur noch in einem Fenster offen ist. Schließe die anderen und versuche es dann noch einmal.",
  shutter: "Aufnehmen", noCamera: "Die Kamera ist nicht benutzbar: {why}",
  helpHow: "Wähle ein Foto, dann einen Stil. Strg oder Umschalt und ein Klick fügt der Mischung einen Stil hinzu. Der Pinsel gibt einem Teil des Bildes einen anderen Stil, lässt ihn, wie er ist, oder schützt ein Gesicht.",
  kept: "Dein Foto bleibt auf diesem Computer. Damit beim Neuladen nichts verloren geht, behält dieser Browser Foto und Rezept 24 Stunden lang.", forget: "Jetzt alles vergessen", forgot: "Foto und Rezept sind vergessen.", notKept: "Dieser Browser kann ein so großes Foto nicht behalten. Beim Neuladen geht es verloren.", about: "impasto {version}, {precision}",
  painted: "Gemalt in {time}.", sharpening: "Wird noch scharf", offline: "Das Studio antwortet nicht. Läuft es noch? Starte es neu mit: impasto studio", offlineApp: "impasto antwortet nicht. Starte es neu.", back: "Das Studio ist wieder da.", end: "impasto beenden", ended: "impasto ist beendet. Du kannst diese Seite schließen.", strange: "Etwas ging schief: {why}", nothingThere: "Darin war kein Bild.",
  "error_too-large": "Diese Datei ist zu groß. Das Studio nimmt bis zu {size}.", "error_too-many-pixels": "Dieses Bild ist zu groß. Das Studio nimmt bis zu {pixels} Megapixel.",
  "error_unsupported-type": "Solche Dateien liest das Studio nicht. Speichere sie als JPEG oder PNG.", "error_unsupported-format": "Solche Dateien liest das Studio nicht. Speichere sie als JPEG oder PNG.", "error_bad-picture": "Diese Datei lässt sich nicht als Bild lesen.", "error_not-a-picture": "Diese Datei lässt sich nicht als Bild lesen.",
  error_busy: "Das Studio ist beschäftigt. Versuche es gleich noch einmal.", "error_not-ready": "Das Studio ist beschäftigt. Versuche es gleich noch einmal.", error_gone: "Das Studio hat dieses Foto nicht mehr. Lege es noch einmal ab.", "error_unknown-style": "Diesen Stil hat das Studio nicht.",
  "error_worker-died": "Das Malen brach ab. Versuche es noch einmal oder male kleiner.", "error_too-slow": "Das Malen dauerte zu lange. Male es kleiner.", "error_no-memory": "Dafür reicht der Speicher nicht. Male es kleiner.", "error_no-space": "Die Festplatte ist voll. Schaffe Platz und versuche es dann noch einmal.",
  error_token: "Öffne die Adresse, die das Studio ausgegeben hat: Diese gilt nicht mehr.", error_slow: "Das Foto kam zu langsam. Versuche es noch einmal.", error_fault: "Im Studio ging etwas schief. Versuche es noch einmal.",
  "error_name-taken": "Es gibt schon einen Stil mit diesem Namen. Wähle einen anderen.",
  "error_bad-option": "Einer der Regler steht, wo er nicht stehen kann. Dreh ihn etwas zurück.", "error_bad-request": "Das Studio versteht nicht, was diese Seite will. Lade die Seite neu.", "error_no-mask": "Dem Studio fehlt ein Bereich. Male noch einmal darauf.", "error_too-many-styles": "Eine Mischung hat bis zu {styles} Stile. Nimm zuerst einen heraus.", "error_unknown-network": "Diese Malweise hat das Studio nicht.",
  "error_key-used": "Dieses Gemälde wurde schon einmal anders bestellt. Drücke noch einmal auf Download.", "error_not-done": "Das ist noch nicht fertig. Warte einen Moment.", "error_cannot-learn": "Dieses Gemälde lässt sich nicht lernen. Wähle ein größeres Bild oder ein anderes.", "error_missing-extra": "Dafür fehlt ein Teil von impasto. Installiere ihn und starte das Studio neu: pip install 'impasto[learn]'",
  error_rate: "Das war zu viel in einer Minute. Warte ein wenig, dann geht es weiter.", error_origin: "Von einer anderen Seite nimmt das Studio nichts an. Öffne die Adresse, die es ausgegeben hat.", error_host: "Diese Adresse kennt das Studio nicht. Öffne die, die es ausgegeben hat.", error_headers: "Eine so lange Adresse nimmt das Studio nicht. Öffne die, die es ausgegeben hat.", error_ending: "Das Studio hört gerade auf. Starte es neu mit: impasto studio",
  keyBrush: "Pinsel", keyEraser: "Radierer", keySize: "Kleinerer oder größerer Pinsel", keyPhoto: "Foto zeigen", keyCompare: "Vergleich", keyLoupe: "Lupe", keyUndo: "Rückgängig, wiederholen", keyPaste: "Foto einfügen", keySave: "Download", keySearch: "Stile suchen", space: "Leertaste",
  sample_astronaut: "Porträt", sample_coffee: "Kaffee", sample_chelsea: "Katze",
};

export const LANGUAGES = { en: { words: en, name: "English" }, de: { words: de, name: "Deutsch" } };
let language = "en";

/** A phrase, its {holes} filled. */
export const t = (key, values = {}) => (LANGUAGES[language].words[key] ?? key).replace(/\{(\w+)\}/g, (_, hole) => values[hole] ?? "");
/** Whether there is such a phrase. */
export const has = (key) => key in en;
export const current = () => language;

/** Take the first language that there is, and write all words into `root`. */
export function speak(wanted, root = document) {
  language = wanted.map((each) => each.slice(0, 2)).find((each) => LANGUAGES[each]) ?? "en";
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-hint]")) node.placeholder = t(node.dataset.tHint);
  for (const node of root.querySelectorAll("[data-t-title]")) node.title = t(node.dataset.tTitle);
  for (const node of root.querySelectorAll("[data-t-name]")) node.ariaLabel = node.title = t(node.dataset.tName);
}

export const number = (value, digits = 0) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
export const listing = (words) => new Intl.ListFormat(language).format(words);
export const percent = (share) => new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);
const unit = (value, unit, digits = 0) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }).format(value);
export const bytes = (size) => (size < 1e6 ? unit(size / 1e3, "kilobyte") : size < 1e9 ? unit(size / 1e6, "megabyte") : unit(size / 1e9, "gigabyte", 1));
export function time(seconds) {
  if (seconds < 0.95) return unit(Math.max(1, Math.round(seconds * 1000)), "millisecond");
  return seconds < 90 ? unit(Math.ceil(seconds), "second") : unit(Math.ceil(seconds / 60), "minute");
}
