// The words that the live page has beside the studio's.
import { LANGUAGES } from "./strings.js";

Object.assign(LANGUAGES.en.words, {
  livePrivate: "The picture stays on this computer.", livePainting: "What the camera sees, painted: {style}",
  liveAsking: "Allow the camera", liveAskingHow: "Your browser asks whether this page may use it.",
  liveWaiting: "Waiting for the first picture", liveWaitingHow: "It comes from {name}.",
  liveDenied: "The camera was not allowed", liveDeniedHow: "Allow it in the browser's address bar, then try again.",
  liveNone: "There is no camera here", liveNoneHow: "Plug one in and try again. “impasto live --camera FILE” shows a film.",
  liveTaken: "The camera does not answer", liveTakenHow: "Another program may use it. Close that one, then try again.",
  liveLost: "The camera is gone", liveLostHow: "Plug it in again, then try again.",
  liveInsecure: "This browser gives the page no camera", liveInsecureHow: "Open the address that begins with http://127.0.0.1.",
  tryAgain: "Try again", mirror: "Mirror", camera: "Camera",
  livePace: "{size}, {rate} a second", liveRecorded: "Recording, {time}", liveStopped: "The recording has ended. The terminal says why.",
  liveOver: "The show is over.", liveOffline: "impasto live has ended. Start it again in the terminal.",
  liveToken: "This address is no longer valid", liveTokenHow: "Open the one that the terminal shows.",
});
Object.assign(LANGUAGES.de.words, {
  livePrivate: "Das Bild bleibt auf diesem Computer.", livePainting: "Was die Kamera sieht, gemalt: {style}",
  liveAsking: "Kamera erlauben", liveAskingHow: "Dein Browser fragt, ob diese Seite sie benutzen darf.",
  liveWaiting: "Wartet auf das erste Bild", liveWaitingHow: "Es kommt von {name}.",
  liveDenied: "Die Kamera wurde nicht erlaubt", liveDeniedHow: "Erlaube sie in der Adressleiste des Browsers und versuche es noch einmal.",
  liveNone: "Hier ist keine Kamera", liveNoneHow: "Schließe eine an und versuche es noch einmal. „impasto live --camera DATEI“ zeigt einen Film.",
  liveTaken: "Die Kamera antwortet nicht", liveTakenHow: "Vielleicht benutzt sie ein anderes Programm. Schließe es und versuche es noch einmal.",
  liveLost: "Die Kamera ist weg", liveLostHow: "Schließe sie wieder an und versuche es noch einmal.",
  liveInsecure: "Dieser Browser gibt der Seite keine Kamera", liveInsecureHow: "Öffne die Adresse, die mit http://127.0.0.1 beginnt.",
  tryAgain: "Noch einmal", mirror: "Spiegeln", camera: "Kamera",
  livePace: "{size}, {rate} in der Sekunde", liveRecorded: "Aufnahme, {time}", liveStopped: "Die Aufnahme ist zu Ende. Warum, steht im Terminal.",
  liveOver: "Die Vorstellung ist zu Ende.", liveOffline: "impasto live ist zu Ende. Starte es im Terminal neu.",
  liveToken: "Diese Adresse gilt nicht mehr", liveTokenHow: "Öffne die, die im Terminal steht.",
});
