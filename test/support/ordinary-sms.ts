// A thousand ordinary SMS of a phone that forwards all: English, French, Arabic, advertisements, numbers, links. Used by the tests
// that none of them becomes a payload.

const people = ['Amina', 'Jean', 'Grace', 'Moussa', 'Chantal', 'Peter', 'Fatou', 'Eric', 'Linda', 'Paul'];
const places = [
  'Douala',
  'Lagos',
  'the market',
  'school',
  'la gare',
  'church',
  'Buea',
  'work',
  'home',
  'Accra',
];
const templates: ((person: string, place: string, number: number) => string)[] = [
  (person, place) => `Hi ${person} I am at ${place} now please call me back`,
  (person) => `Happy birthday ${person}`,
  (_, place, number) => `Meet me at ${place} at ${number % 12} pm`,
  (person, place) => `${person} dit que tu es encore en route pour ${place} merci de repondre vite`,
  (person) => `Bonjour ${person}, j'espère que ça va. À demain!`,
  (person, _, number) =>
    `Vous avez recu ${number} FCFA de ${person} votre nouveau solde est ${number * 7} FCFA`,
  (_, __, number) => `Your verification code is ${100_000 + number}`,
  (_, __, number) => `G-${100_000 + number} is your Google verification code.`,
  (_, __, number) =>
    `PROMO MTN BONUS ${number} pour cent sur toutes vos recharges aujourdhui composez le 123`,
  (_, place, number) =>
    `WIN 4G PHONE Text YES to ${8000 + number} before midnight offer valid in ${place} only`,
  (_, __, number) => `6503${90_000 + number}`,
  (_, __, number) => `+23765${1_000_000 + number}`,
  (_, __, number) => `https://example.org/track/${number}?id=AbC${number}`,
  (_, __, number) => `Track your parcel at example.org/t/${number}`,
  (person) => `مرحبا ${person} أنا في الطريق الآن`,
  () => 'أين أنت؟ اتصل بي من فضلك',
  (person, place) => `ok\n${person}\nsee you\n${place}`,
  (_, __, number) => `Ref TX${number}ABCDEF789xyz amount ${number} balance 0 thanks`,
  (person, __, number) => `${person} - ${number} - paid - ok`,
  (person, place) => `I love you ${person} = my life in ${place} =`,
];

export function ordinarySms(): string[] {
  return Array.from({ length: 1_000 }, (_, index) => {
    const template = templates[index % templates.length];
    const turn = Math.floor(index / templates.length);
    const person = people[turn % people.length] ?? '';
    const place = places[Math.floor(turn / people.length) * 2 + (turn % 2)] ?? '';
    return template?.(person, place, index) ?? '';
  });
}
