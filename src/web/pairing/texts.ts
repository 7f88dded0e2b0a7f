// The texts of the pairing page in each of its languages. Used by page.tsx.

const en = {
  title: 'Pair your phone',
  intro: 'Open the app on your phone and scan this code.',
  opening: 'Getting a code…',
  code: 'QR code that pairs your phone',
  seconds: (seconds: number) => `A new code in ${seconds} s`,
  sameDevice: 'Are you on this phone?',
  openApp: 'Open the app here',
  connected: 'Phone connected',
  connectedHint: 'Enter your password on the phone to finish.',
  paired: 'Your phone is paired',
  pairedHint: 'You can close this page.',
  timedOut: 'Time is up',
  timedOutHint: 'No phone has scanned the code. Have your phone at hand and start again.',
  passwordTimedOutHint: 'The phone did not send the password in time. Start again and scan the new code.',
  again: 'Start again',
  lost: 'Connection lost',
  lostHint: 'The page reconnects by itself. Check that you are online.',
  gone: 'The service does not respond',
  goneHint: 'Try again later, or tell the people who run this service.',
  limited: 'Too many attempts',
  limitedHint: (seconds: number) => `Wait ${seconds} s, then start again.`,
  refused: 'This link does not work',
  refusedHint: 'Ask the people who gave it to you for a new one.',
  elsewhere: 'The code is shown elsewhere',
  elsewhereHint: 'Another page shows this code. Close it, or start again here.',
};

export type Texts = typeof en;

const fr: Texts = {
  title: 'Associer votre téléphone',
  intro: 'Ouvrez l’application sur votre téléphone et scannez ce code.',
  opening: 'Préparation du code…',
  code: 'Code QR qui associe votre téléphone',
  seconds: (seconds) => `Nouveau code dans ${seconds} s`,
  sameDevice: 'Vous êtes sur ce téléphone ?',
  openApp: 'Ouvrir l’application ici',
  connected: 'Téléphone connecté',
  connectedHint: 'Saisissez votre mot de passe sur le téléphone pour terminer.',
  paired: 'Votre téléphone est associé',
  pairedHint: 'Vous pouvez fermer cette page.',
  timedOut: 'Le temps est écoulé',
  timedOutHint: 'Aucun téléphone n’a scanné le code. Préparez votre téléphone et recommencez.',
  passwordTimedOutHint:
    'Le téléphone n’a pas envoyé le mot de passe à temps. Recommencez et scannez le nouveau code.',
  again: 'Recommencer',
  lost: 'Connexion perdue',
  lostHint: 'La page se reconnecte toute seule. Vérifiez que vous êtes en ligne.',
  gone: 'Le service ne répond pas',
  goneHint: 'Réessayez plus tard, ou prévenez les responsables de ce service.',
  limited: 'Trop d’essais',
  limitedHint: (seconds) => `Attendez ${seconds} s, puis recommencez.`,
  refused: 'Ce lien ne fonctionne pas',
  refusedHint: 'Demandez-en un nouveau à la personne qui vous l’a donné.',
  elsewhere: 'Le code est affiché ailleurs',
  elsewhereHint: 'Une autre page affiche ce code. Fermez-la, ou recommencez ici.',
};

const es: Texts = {
  title: 'Vincular su teléfono',
  intro: 'Abra la aplicación en su teléfono y escanee este código.',
  opening: 'Preparando el código…',
  code: 'Código QR que vincula su teléfono',
  seconds: (seconds) => `Nuevo código en ${seconds} s`,
  sameDevice: '¿Está en este teléfono?',
  openApp: 'Abrir la aplicación aquí',
  connected: 'Teléfono conectado',
  connectedHint: 'Escriba su contraseña en el teléfono para terminar.',
  paired: 'Su teléfono está vinculado',
  pairedHint: 'Puede cerrar esta página.',
  timedOut: 'Se acabó el tiempo',
  timedOutHint: 'Ningún teléfono ha escaneado el código. Tenga su teléfono a mano y empiece de nuevo.',
  passwordTimedOutHint:
    'El teléfono no envió la contraseña a tiempo. Empiece de nuevo y escanee el nuevo código.',
  again: 'Empezar de nuevo',
  lost: 'Conexión perdida',
  lostHint: 'La página se reconecta sola. Compruebe que tiene conexión.',
  gone: 'El servicio no responde',
  goneHint: 'Inténtelo más tarde o avise a los responsables de este servicio.',
  limited: 'Demasiados intentos',
  limitedHint: (seconds) => `Espere ${seconds} s y empiece de nuevo.`,
  refused: 'Este enlace no funciona',
  refusedHint: 'Pida uno nuevo a la persona que se lo dio.',
  elsewhere: 'El código se muestra en otro lugar',
  elsewhereHint: 'Otra página muestra este código. Ciérrela o empiece de nuevo aquí.',
};

export const texts = { en, fr, es } as const satisfies Readonly<Record<string, Texts>>;
export type Language = keyof typeof texts;

/** The first of the preferred languages that the page has, such as `fr` for `fr-CM`; English without one. */
export function chooseLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const language = tag.toLowerCase().split('-')[0] ?? '';
    if (isLanguage(language)) return language;
  }
  return 'en';
}

function isLanguage(text: string): text is Language {
  return Object.hasOwn(texts, text);
}
