"""A guess of a text's language: by its script, and among languages in Latin letters by trigrams of characters."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from functools import cache

LATIN = {
    "english": (
        "all human beings are born free and equal in dignity and rights they are endowed with reason and conscience and should "
        "act towards one another in a spirit of brotherhood everyone is entitled to all the rights and freedoms set forth in "
        "this declaration without distinction of any kind such as race colour sex language religion political or other opinion "
        "please could you help me with my order i have not received the invoice yet thank you what is the problem there was "
        "when will it be here"
    ),
    "german": (
        "alle menschen sind frei und gleich an würde und rechten geboren sie sind mit vernunft und gewissen begabt und sollen "
        "einander im geist der brüderlichkeit begegnen jeder hat anspruch auf die in dieser erklärung verkündeten rechte und "
        "freiheiten ohne irgendeinen unterschied bitte können sie mir helfen ich habe meine rechnung noch nicht erhalten vielen "
        "dank was ist das problem wann wird es hier sein"
    ),
    "french": (
        "tous les êtres humains naissent libres et égaux en dignité et en droits ils sont doués de raison et de conscience et "
        "doivent agir les uns envers les autres dans un esprit de fraternité chacun peut se prévaloir de tous les droits et de "
        "toutes les libertés sans distinction aucune pouvez vous m'aider s'il vous plaît je n'ai pas encore reçu la facture "
        "merci quel est le problème quand sera t il ici"
    ),
    "spanish": (
        "todos los seres humanos nacen libres e iguales en dignidad y derechos y dotados como están de razón y conciencia deben "
        "comportarse fraternalmente los unos con los otros toda persona tiene todos los derechos y libertades proclamados en "
        "esta declaración sin distinción alguna me puede ayudar por favor todavía no he recibido la factura gracias cuál es el "
        "problema cuándo estará aquí"
    ),
    "italian": (
        "tutti gli esseri umani nascono liberi ed eguali in dignità e diritti essi sono dotati di ragione e di coscienza e "
        "devono agire gli uni verso gli altri in spirito di fratellanza ad ogni individuo spettano tutti i diritti e tutte le "
        "libertà senza distinzione alcuna mi può aiutare per favore non ho ancora ricevuto la fattura grazie qual è il problema "
        "quando sarà qui che cosa della nella"
    ),
    "portuguese": (
        "todos os seres humanos nascem livres e iguais em dignidade e em direitos dotados de razão e de consciência devem agir "
        "uns para com os outros em espírito de fraternidade todos os seres humanos podem invocar os direitos e as liberdades "
        "sem distinção alguma pode me ajudar por favor ainda não recebi a fatura obrigado qual é o problema quando estará aqui "
        "você não são uma"
    ),
    "dutch": (
        "alle mensen worden vrij en gelijk in waardigheid en rechten geboren zij zijn begiftigd met verstand en geweten en "
        "behoren zich jegens elkander in een geest van broederschap te gedragen een ieder heeft aanspraak op alle rechten en "
        "vrijheden zonder enig onderscheid kunt u mij helpen alstublieft ik heb de factuur nog niet ontvangen dank u wat is het "
        "probleem wanneer zal het hier zijn"
    ),
}
"""Articles 1 and 2 of the Universal Declaration of Human Rights in part, and a few sentences of letters to a company."""
UNKNOWN = "(unknown)"
_READ = 400
"""Characters of a text that are looked at."""
_LEAST = 8
"""Letters below which nobody can tell."""


def language(text: str) -> str:
    """The name of a script other than Latin, else of the language whose trigrams the text shares most, else unknown."""
    letters = [letter for letter in text[:_READ].lower() if letter.isalpha()]
    if len(letters) < _LEAST:
        return UNKNOWN
    scripts = Counter("latin" if letter.isascii() else _script(letter) for letter in letters)
    script = scripts.most_common(1)[0][0]
    if script != "latin":
        return script
    words = "".join(letter if letter.isalpha() else " " for letter in text[:_READ].lower()).split()
    seen = _trigrams(" ".join(words))
    scores = {name: sum(count * profile[trigram] for trigram, count in seen.items()) for name, profile in _profiles().items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else UNKNOWN


@cache
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "UNKNOWN").split(" ")[0].split("-")[0].lower()
    return "han" if name == "cjk" else name


def _trigrams(words: str) -> Counter[str]:
    padded = f" {words} "
    return Counter(padded[place : place + 3] for place in range(len(padded) - 2))


@cache
def _profiles() -> dict[str, defaultdict[str, float]]:
    """Of each language the root of its trigrams' shares, at unit length, so that the product of two lists is their likeness."""
    found = {}
    for name, text in LATIN.items():
        counts = _trigrams(text)
        total = sum(counts.values())
        profile: defaultdict[str, float] = defaultdict(float)
        for trigram, count in counts.items():
            profile[trigram] = (count / total) ** 0.5
        found[name] = profile
    return found
