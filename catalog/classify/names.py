"""What a column's name says about its content, in the languages that column names are written in.

A name is cut into words (`customerEmail`, `customer_email` and `customer.email` alike), freed of accents and joined
by `_`; patterns match whole words of that. Names that say little by themselves (`value`, `number`) are read with what
stands before them in the path.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_LONGEST = 200
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_APART = re.compile(r"[^\w]+|_+")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_VAGUE = _set(
    "value values number numbers no nr num text string str content data item element key address addr code id "
    "main primary "
    "secondary work home private first last full given family middle"
)
"""Last words that are read together with the name before them in the path."""


@dataclass(frozen=True, slots=True)
class Name:
    """A column's name as words: `own` of the last part of its path, `whole` with the part before where needed."""

    own: str
    whole: str


@lru_cache(maxsize=4096)
def read(path: str) -> Name:
    """The words of a column's path."""
    parts = [part for part in re.split(r"(?<!\\)\.", path[-_LONGEST:].replace("[]", "")) if part]
    words = [_words(part) for part in parts] or [""]
    own = words[-1]
    vague = all(word in _VAGUE for word in own.split("_"))
    return Name(own, "_".join(words[-2:]) if vague else own)


def _words(name: str) -> str:
    spaced = _CAMEL.sub("_", name.replace("\\.", "."))
    plain = unicodedata.normalize("NFKD", spaced.replace("ß", "ss").replace("ł", "l").replace("Ł", "L"))
    folded = "".join(char for char in plain if not unicodedata.combining(char)).lower()
    folded = unicodedata.normalize("NFKC", folded)
    return "_".join(word for word in _APART.split(folded) if word)


def _pattern(words: str, other: str = "") -> re.Pattern[str]:
    """Any of `words` as whole words (`~` is where a `_` may stand), or any of `other`, in scripts without "
    "capitals."""
    latin = "|".join(word.replace("~", "_?") for word in words.split())
    beyond = "|".join(other.split())
    return re.compile(rf"(?:^|_)(?:{latin})[0-9]{{0,2}}(?=_|$)" + (rf"|{beyond}" if beyond else ""))


STRONG: dict[str, re.Pattern[str]] = {
    "email": _pattern(
        "e~?mails? e~?mail~?(?:addr|address|adresse|adresa|addresses|id) emailaddr mails? "
        "mail~?(?:addr|address|adresse) "
        "courriel correo(?:~electronico)? posta~?elettronica e~?post(?:adresse?)? eposta sahkoposti(?:osoite)? "
        "electronic~?mail elektron~?posta emailadres",
        "邮箱 邮件 電子郵件 信箱 メール 이메일 почта ایمیل بريد אימייל อีเมล",
    ),
    "phone": _pattern(
        "(?:tele)?phones? (?:tele)?phone~?(?:no|nr|num|number|numbers) phonenr tel tel~?(?:no|nr|num|number) "
        "telno mobile "
        "mobile~?(?:no|nr|num|number|phone) mobil mobil(?:nummer|telefon|tlf)? cell cell~?(?:phone|number|no)? fax "
        "fax~?(?:no|nr|num|number)? msisdn telefono? telefon(?:nummer|nr|numer|szam|e)? telephone tlf "
        "handy(?:nummer)? rufnummer festnetz portable movil celular telemovel cellulare puhelin(?:numero)? "
        "telefoonnummer whats~?app sms~?(?:no|number) contact~?(?:no|number) numer~?telefonu cep~?telefonu",
        "电话 手机 電話 携帯 전화 휴대폰 телефон هاتف تلفن موبایل טלפון โทรศัพท์",
    ),
    "card": _pattern(
        "(?:credit|debit|payment|bank)~?cards?(?:~?(?:no|nr|num|number))? card~?(?:no|nr|num|number) "
        "cc~?(?:no|nr|num|number) "
        "pan primary~?account~?number card~?pan kreditkarte(?:nnummer)? kartennummer "
        "carte~?(?:bancaire|credit|de~credit) "
        "numero~?(?:de~)?(?:carte|tarjeta|cartao|carta) tarjeta(?:~credito)? cartao kortnummer numer~?karty",
        "信用卡 银行卡号 クレジットカード 카드번호 карт",
    ),
    "iban": _pattern(
        "iban iban~?(?:no|nr|num|number|code) bank~?(?:account|acct|konto|rekening)(?:~?(?:no|nr|num|number))? "
        "account~?(?:no|nr|num|number) konto(?:nummer)? bankverbindung rekeningnummer compte~?bancaire "
        "cuenta~?bancaria"
    ),
    "national_id": _pattern(
        "ssn sin nino tin tfn nif nie dni cpf pesel bsn cnp egn rut curp nrc nric cnic aadhaar aadhar uidai hetu cpr "
        "nir insee idnr jmbg oib emso amka ppsn? rijksregister(?:nummer)? rodne~?cislo personnummer personnr pnr "
        "fodselsnummer fnr isikukood asmens~?kodas personas~?kods henkilotunnus codice~?fiscale cod~?fiscale codfisc "
        "social~?(?:security|insurance)(?:~?(?:no|nr|num|number|id))? soc~?sec(?:~?(?:no|num|number))? "
        "ss~?(?:no|num|number) "
        "national~?(?:id|identity|identifier|insurance|number|no)(?:~?(?:no|nr|num|number))? "
        "national~?id~?(?:no|number)? tax~?(?:id|number|no|file~?number|identification(?:~?number)?|payer~?id) "
        "citizen~?(?:id|number|no) identity~?(?:no|num|number|card|document) "
        "id~?(?:card|document)(?:~?(?:no|number))? "
        "personal~?(?:id|code|number|identity~?(?:code|number))(?:~?number)? government~?id gov~?id "
        "steuer~?(?:id|nummer|identifikationsnummer) sozialversicherungsnummer svnr ausweisnummer "
        "ahv(?:~?(?:nr|nummer))? "
        "numero~?(?:de~)?(?:securite~?sociale|seguridad~?social|identidad|identificacion|fiscal|contribuinte) "
        "nss nir "
        "burgerservicenummer t~?c~?kimlik(?:~?no)? kimlik~?no cedula kennitala nhs~?(?:no|num|number) snils inn "
        "nik ktp rrn passport(?:~?(?:no|nr|num|number))? driv(?:er|ers|ing)~?licen[cs]e(?:~?(?:no|nr|num|number))?",
        "身份证 身分證 マイナンバー 주민등록 주민번호 инн снилс паспорт هوية کدملی ת_?ז",
    ),
    "secret": _pattern(
        "pass~?words? passwd pwd passphrase pass~?hash password~?(?:hash|digest) secrets? "
        "secret~?(?:key|token|value|access~?key) "
        "client~?secret api~?(?:key|token|secret)s? access~?(?:key|token|secret) auth~?(?:key|token|secret) "
        "bearer~?token "
        "refresh~?token session~?token private~?key encryption~?key signing~?(?:key|secret) webhook~?secret "
        "credentials? kennwort passwort mot~?de~?passe contrasena senha wachtwoord haslo lozinka salasana losenord "
        "connection~?string jwt token",
        "密码 密碼 パスワード 비밀번호 пароль",
    ),
    "ip_address": _pattern(
        "ip ip~?(?:v4|v6|addr|address|addresses|adresse) ipaddr ips "
        "(?:client|remote|source|src|dst|dest|server|user|host|peer)~?ips? "
        "x~?forwarded~?for remote~?(?:addr|host) (?:source|destination|src|dst)~?(?:addr|address) login~?ip last~?ip"
    ),
    "person_name": _pattern(
        "(?:first|last|middle|given|family|full|maiden|fore|birth|sur|nick)~?names? surname forename fname "
        "lname givenname "
        "(?:person|people|customer|client|patient|employee|contact|cardholder|card~?holder|account~?holder|user~?full|student|"
        "teacher|member|owner|holder|guest|passenger|driver|recipient|sender|beneficiary|subscriber|applicant|buyer|"
        "tenant|doctor|physician|author)~?(?:full~?)?names? "
        "vornamen? nachnamen? familienname geburtsname vor~?und~?nachname prenoms? nom~?(?:de~)?famille nom~?complet "
        "nombres?~?(?:completo|cliente|paciente)? apellidos? primer~?(?:nombre|apellido) segundo~?apellido "
        "cognome nome~?completo "
        "sobrenome primeiro~?nome voornaam achternaam fornavn etternavn efternavn fornamn efternamn etunimi sukunimi "
        "imie nazwisko jmeno prijmeni meno priezvisko keresztnev vezeteknev prenume nume~?familie ad~?soyad "
        "soyad soyadi",
        "姓名 名字 氏名 名前 苗字 성명 이름 имя фамилия отчество",
    ),
    "date_of_birth": _pattern(
        "dob d~?o~?b birth~?(?:date|day|dt|year|yr) birthday date~?(?:of~?)?birth dateofbirth born "
        "born~?(?:on|at|date) "
        "year~?of~?birth yob bday geburtsdatum geburtstag geburtsjahr geb~?(?:datum|dat) "
        "date~?(?:de~?)?naissance ddn "
        "fecha~?(?:de~?)?nacimiento data~?(?:di~?)?nascita data~?(?:de~?)?nascimento geboortedatum "
        "fodselsdato fodelsedatum "
        "syntymaaika data~?urodzenia datum~?narozeni szuletesi~?datum data~?nasterii dogum~?tarihi",
        "出生 生年月日 誕生日 생년월일 рождения",
    ),
}
"""Names that say a label by themselves."""

WEAK: dict[str, re.Pattern[str]] = {
    "email": _pattern("contact username login user recipient sender from to cc bcc reply~?to"),
    "phone": _pattern("contact contact~?(?:info|details) number whatsapp sms"),
    "card": _pattern("cc card cards payment~?(?:method|instrument|account) carte karte"),
    "iban": _pattern("account bank compte cuenta conto rekening payee creditor debtor"),
    "national_id": _pattern(
        "id~?(?:no|nr|num|number) document~?(?:no|number) identity identification nationality~?id kyc "
        "document passport"
    ),
    "secret": _pattern("key keys value setting config env auth authorization signature"),
    "ip_address": _pattern("host client remote addr source destination src dst peer"),
    "person_name": _pattern("name names contact person customer patient employee"),
}
"""Names that go well with a label."""

AGAINST = _pattern(
    "id ids uuid guid hash md5 sha1 sha256 sha512 digest checksum crc etag version versions ver build release "
    "sku isbn issn ean "
    "upc gtin asin barcode model serial~?(?:no|num|number)? part~?(?:no|num|number) product~?(?:code|id|no) "
    "item~?(?:code|no) "
    "(?:order|invoice|ticket|case|batch|lot|tracking|reference|ref|transaction|txn|request|trace|span|event|device)"
    "(?:~?(?:id|no|nr|num|number|code))? price amount total cost sum qty quantity count cnt size bytes length "
    "width height "
    "weight score rate ratio percent pct timestamp ts time date datetime epoch duration latency seconds ms ns "
    "port zip "
    "zip~?code postal~?code postcode plz seq sequence index idx row offset page checksum fingerprint"
)
"""Names of what is made of digits and is nobody's."""


_ASPECTS = _set(
    "id ids type kind count cnt hash md5 sha1 sha256 model flag verified valid validated status brand network "
    "issuer expiry expires "
    "expire exp country prefix length len format provider domain os version at on by last4 source updated "
    "changed enabled "
    "policy hint reset lang locale carrier operator"
)
"""Last words that name something about a thing, and not the thing."""
_ASKED = frozenset({"phone", "card", "person_name", "date_of_birth", "secret", "ip_address"})
_PASSWORD = _pattern(
    "pass~?words? passwd pwd passphrase kennwort passwort mot~?de~?passe contrasena senha wachtwoord haslo "
    "lozinka salasana "
    "losenord",
    "密码 密碼 パスワード 비밀번호 пароль",
)
_SHORT = 6
"""Shorter names than this mean other things as well: `sin`, `nir`, `pan`."""
_US = _pattern("ssn social~?security(?:~?(?:no|nr|num|number))? soc~?sec")


def evidence(path: str, label: str) -> str:
    """How well a name goes with a label: `strong`, `weak`, `against`, or `none` where it says nothing."""
    name = read(path)
    if label in STRONG and STRONG[label].search(name.whole):
        return "against" if label in _ASKED and name.own.rpartition("_")[2] in _ASPECTS else "strong"
    if AGAINST.search(name.own):
        return "against"
    if label in WEAK and WEAK[label].search(name.whole):
        return "weak"
    return "none"


def says_password(path: str) -> bool:
    """Whether a name speaks of passwords, which people choose, and not of keys."""
    return _PASSWORD.search(read(path).whole) is not None


def says_national_id(path: str) -> bool:
    """Whether a name speaks of national ids in words that mean nothing else."""
    own = read(path).whole
    return (len(own) >= _SHORT or says_us(path)) and evidence(path, "national_id") == "strong"


def says_us(path: str) -> bool:
    """Whether a name speaks of the number of the United States."""
    return _US.search(read(path).whole) is not None
