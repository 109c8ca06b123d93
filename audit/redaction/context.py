"""Words around a match that say what it is, by language.

A word that ends in `*` stands for every word that begins so. English ones hold in every language, since forms and column names are
often English.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from audit.redaction.typography import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

BEFORE = 5
"""Words before a match that are looked at."""
_WINDOW = 80
_RAISE, _LEAST = 0.35, 0.4
"""What a word around adds to a score, and the least score with it: as presidio has it."""

PHONE = {
    "en": "phone* telephone* tel cell cells cellphone* mobile* call calls called calling dial* fax whatsapp hotline landline sms",
    "de": "telefon* tel handy* mobil* mobiltelefon* rufnummer* anruf* anrufen rufen fernruf durchwahl festnetz* hotline",
    "fr": "telephone* tel portable* mobile* appel* appelez appeler joindre fixe numero",
    "es": "telefono* tel movil* celular* llam* fijo whatsapp",
    "it": "telefon* tel cellular* cell chiam* mobile numero fisso",
    "pt": "telefon* telemovel* celular* tel lig* ligue liga chamada* fixo",
    "nl": "telefoon* tel mobiel* bel bellen gsm belt nummer",
    "pl": "telefon* tel komork* komorkow* zadzwon* dzwon* numer",
    "sv": "telefon* tel mobil* ring ringa nummer",
    "da": "telefon* tlf mobil* ring nummer",
    "no": "telefon* tlf mobil* ring nummer",
    "fi": "puhelin* puh matkapuhelin* soita* numero",
    "cs": "telefon* tel mobil* volej* zavolej* cislo",
    "sk": "telefon* tel mobil* volaj* zavolaj* cislo",
    "hu": "telefon* tel mobil* hivj* telefonszam*",
    "ro": "telefon* tel mobil* suna* apel*",
    "tr": "telefon* tel cep gsm ara arayin numara*",
    "el": "τηλεφων* τηλ κινητο* καλεσ*",
    "ru": "телефон* тел моб мобильн* звон* позвон* номер*",
    "uk": "телефон* тел моб мобільн* дзвон* подзвон* номер*",
    "he": "טלפון נייד פלאפון",
    "ar": "هاتف* الهاتف جوال موبايل اتصل",
    "hi": "फोन मोबाइल फ़ोन",
    "ja": "電話* 携帯* tel",
    "zh": "电话* 手机* 電話* 手機*",
    "ko": "전화* 휴대폰* 핸드폰*",
}
"""Words right before a phone number."""
AFTER = "office fax mobile cell home work tel phone telefon mobil handy portable movil"
"""Words right after a phone number, as in address books."""
_WEAK_PHONE = "number numbers contact reach answer* nummer* numero* numer* answering"
_CARD = {
    "en": "credit card* cc visa mastercard amex discover jcb diners maestro unionpay debit",
    "de": "kreditkart* karte* bankkart* girocard",
    "fr": "carte* bancaire* cb",
    "es": "tarjeta*",
    "it": "carta carte",
    "pt": "cartao cartoes",
    "nl": "creditcard* kaart* betaalkaart*",
    "pl": "kart*",
    "sv": "kort* kreditkort*",
    "da": "kort* kreditkort*",
    "no": "kort* kredittkort*",
    "fi": "kortti* luottokort*",
    "cs": "kart*",
    "sk": "kart*",
    "hu": "kartya* bankkartya*",
    "ro": "card*",
    "tr": "kart*",
    "el": "καρτ*",
    "ru": "карт*",
    "uk": "картк*",
    "he": "כרטיס אשראי",
    "ar": "بطاقة البطاقة",
    "hi": "कार्ड",
    "ja": "カ-ド* クレジットカ-ド*",
    "zh": "卡号* 信用卡* 銀行卡* 银行卡*",
    "ko": "카드*",
}
_SOCIAL = "ssn ssns ssid social security"
_THINGS = "order item case invoice ticket reference ref account code article parcel batch serial version bestellung commande pedido ordine"
"""What a number belongs to that is no phone's, where it stands right before the number."""
_MAIL = "mail* email* e-mail* mailto courriel* correo* posta* адрес* почта* 邮箱* 邮件* メ-ル*"
LANGUAGES = frozenset(PHONE)


def base_language(language: str) -> str:
    """`de` of `de-AT`; Norwegian by one name."""
    base = language.replace("_", "-").split("-")[0].casefold()
    return "no" if base in {"nb", "nn"} else base


def supporting(kind: str, language: str) -> re.Pattern[str] | None:
    """The words that speak for a kind in a language; None where the kind has none here."""
    if kind == "PHONE_NUMBER":
        return pattern((*_of(PHONE, language), _WEAK_PHONE))
    if kind == "CREDIT_CARD":
        return pattern(_of(_CARD, language))
    return pattern((_SOCIAL,)) if kind == "US_SSN" else None


def telephone(language: str) -> re.Pattern[str]:
    """Words that leave no doubt that a phone number follows."""
    return pattern((*_of(PHONE, language), "answering reach contact"))


def mail() -> re.Pattern[str]:
    """Words that leave no doubt that an e-mail address follows."""
    return pattern((_MAIL,))


def after() -> re.Pattern[str]:
    """Words right after a phone number."""
    return pattern((AFTER,))


def things() -> re.Pattern[str]:
    """Words right before a number that is none of a phone."""
    return pattern((_THINGS,))


def _of(words: dict[str, str], language: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((words["en"], words.get(language, words["en"]))))


@lru_cache(maxsize=64)
def pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, each as a whole; scripts without blanks between words need no edge."""
    return phrases(tuple(word for line in words for word in line.split()))


@lru_cache(maxsize=256)
def phrases(each: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words or phrases, compared in lower case and without accents."""
    parts = []
    for phrase in each:
        word = re.escape(plain(phrase.removesuffix("*").strip()))
        edge = "" if phrase[-1:] > "\u2e80" or phrase[:1] > "\u2e80" else r"(?<!\w)"
        parts.append(f"{edge}{word}" + (r"\w*" if phrase.endswith("*") else r"(?!\w)" if edge else ""))
    return re.compile("|".join(parts) if parts else r"(?!)")


def words_before(text: str, start: int, count: int = BEFORE, further: Iterable[str] = ()) -> str:
    """The last words before a place, ready to be searched; further ones, such as a column's name, go first."""
    window = plain(text[max(0, start - _WINDOW) : start])
    words = list(re.finditer(r"\w+", window))[-count:]
    return f"{plain(' '.join(further))} {window[words[0].start() :] if words else ''}"


def word_after(text: str, end: int) -> str:
    """The word that follows right after a place."""
    found = re.match(r"[ -]?(\w+)", text[end : end + 24])
    return plain(found.group(1)) if found else ""


def raised(score: float) -> float:
    """A score with a word around that speaks for it."""
    return min(1.0, max(score + _RAISE, _LEAST))
