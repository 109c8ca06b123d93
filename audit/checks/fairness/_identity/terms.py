"""Identity terms, version 1: for each attribute its identities with their words; words at one place say the same of another identity.

After the identity terms of Dixon et al., AIES 2018, and of Garg et al., AIES 2019, and the gendered pairs of Zhao et al., NAACL 2018.
Words that mostly mean something else are left out (Polish, Black and White without a person, old, King, names of people and countries).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1

_FEMALE = (
    "she,herself,woman,women,girl,girls,mother,mothers,mom,mum,daughter,daughters,sister,sisters,wife,wives,girlfriend,aunt,grandmother,"
    "niece,lady,ladies,madam,female,females,ms,widow,bride,actress,waitress,businesswoman,policewoman,landlady"
)
_MALE = (
    "he,himself,man,men,boy,boys,father,fathers,dad,dad,son,sons,brother,brothers,husband,husbands,boyfriend,uncle,grandfather,"
    "nephew,gentleman,gentlemen,sir,male,males,mr,widower,groom,actor,waiter,businessman,policeman,landlord"
)
_PERSONS = ("people", "person", "man", "men", "woman", "women", "guy", "girl", "boy", "family", "community", "kid", "kids")
_NATIONS = "American,British,Chinese,French,German,Indian,Iranian,Italian,Japanese,Mexican,Nigerian,Pakistani,Russian,Somali,Syrian,Turkish"

TERMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gender": {"female": tuple(_FEMALE.split(",")), "male": tuple(_MALE.split(","))},
    "religion": {
        "Christian": ("Christian", "Christians", "Christianity", "church", "churches"),
        "Muslim": ("Muslim", "Muslims", "Islam", "mosque", "mosques"),
        "Jewish": ("Jewish", "Jews", "Judaism", "synagogue", "synagogues"),
        "Hindu": ("Hindu", "Hindus", "Hinduism", "temple", "temples"),
        "Buddhist": ("Buddhist", "Buddhists", "Buddhism", "temple", "temples"),
    },
    "nationality": {nation: (nation,) for nation in _NATIONS.split(",")},
    "orientation": {
        "homosexual": ("homosexual", "homosexuals", "homosexuality", "gay", "gays", "lesbian", "lesbians"),
        "heterosexual": ("heterosexual", "heterosexuals", "heterosexuality", "straight", "straights", "straight woman", "straight women"),
    },
    "race": {race: tuple(f"{race} {person}" for person in _PERSONS) for race in ("Black", "White", "Asian", "Latino")},
}
"""A word that two places share is written at both and read at the first."""

WRITTEN_ONLY = frozenset({"straight", "straights", "temple", "temples"})
"""Words that are put in and never looked for: they mostly mean something else."""
