"""What the name of a party to a deed says it is: a natural person, a person's trust or estate, or a company. No Django.

County rolls write names in many ways: "SMITH, JOHN & MARY", "SMITH JOHN A", "John and Mary Smith", "THE SMITH FAMILY
TRUST", "ACME HOMES, L.L.C.". A company's words are never surnames.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# What divides the parties on one side of a deed. "and" and "&" are no such mark, because they are part of a name too.
_BETWEEN_PARTIES = re.compile(r"[;/|\n]+")
_BETWEEN_NAMES = re.compile(r"\s*(?:&|\+|\band\b)\s*", re.IGNORECASE)
# What follows these words is another name of the same party, or the person to write to.
_ALSO_KNOWN = re.compile(
    r"\b(?:aka|a\.k\.a|fka|f\.k\.a|nka|dba|d\.b\.a|c/o|attn|who acquired title|which acquired title)\b[^;|\n]*",
    re.IGNORECASE,
)
# The right in which a person takes the property. Elsewhere the same words are those of a company.
_IN_WHICH_RIGHT = re.compile(
    r"\b(?:separate|sole|community|marital)\s+(?:and\s+separate\s+)?(?:property|estate)\b", re.I
)
_APOSTROPHES = re.compile(r"['\u2018\u2019`]")
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_SPELLED_OUT = re.compile(r"\b(?:P L L C|L L C|L L L P|L L P)\b|\b(?:L P|N A|F S B)$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LEGAL_FORMS = _words(
    "LLC PLLC LLP LLLP LP INC INCORPORATED CORP CORPORATION CO COMPANY COMPANIES COS LTD LIMITED PC PS GP NA FSB"
)
_COMPANY = _LEGAL_FORMS | _words(
    """
    BANK BANKING BANCORP SAVINGS LOAN LOANS LENDING MORTGAGE CREDIT FINANCIAL FINANCE FUND FUNDS FUNDING CAPITAL EQUITY
    ASSET ASSETS SECURITIES INSURANCE TITLE ESCROW REO SERVICING HOLDING HOLDINGS PROPERTY PROPERTIES INVESTMENT
    INVESTMENTS INVESTOR INVESTORS INVESTING GROUP PARTNERS PARTNERSHIP VENTURE VENTURES ENTERPRISE ENTERPRISES
    HOMES HOMEBUILDERS TOWNHOMES BUILDER BUILDERS BUILDING CONSTRUCTION CONTRACTING CONTRACTORS DEVELOPER DEVELOPERS
    DEVELOPMENT DEVELOPMENTS REALTY REALTORS RENTAL RENTALS RESIDENTIAL RELOCATION MANAGEMENT SERVICE SERVICES
    SOLUTIONS SYSTEMS INDUSTRIES INTERNATIONAL NATIONAL NATIONWIDE FEDERAL ACQUISITION ACQUISITIONS APARTMENTS
    CONDOMINIUM CONDOMINIUMS ESTATES ASSOCIATES SONS BROTHERS BROS FARMS TRADING
    ASSOCIATION ASSN ASSOC HOA CLUB SOCIETY FOUNDATION MINISTRY MINISTRIES DIOCESE SYNAGOGUE MOSQUE CONGREGATION
    CHURCH SCHOOL SCHOOLS UNIVERSITY COLLEGE HOSPITAL HABITAT
    COUNTY CITY TOWN TOWNSHIP VILLAGE STATE STATES PORT DISTRICT MUNICIPAL AUTHORITY HOUSING DEPARTMENT DEPT
    SECRETARY ADMINISTRATION COMMISSION HUD USA GOVERNMENT FANNIE FREDDIE FNMA FHLMC GNMA
    """
)
# Words of companies that are surnames as well: "CHURCH, MARY", "JOHN BANK".
_ALSO_SURNAMES = _words("BANK CHURCH CO LOAN FUND GROUP HOMES BUILDER BROTHERS SAVINGS SCHOOL COLLEGE CREDIT")
_BESIDE_GIVEN_NAMES = _words("BANK CHURCH")  # "RYAN HOMES" and "JAMES CO" are companies, "JOHN BANK" is a man.
_TRUST = _words("TRUST TRUSTS TRUSTEE TRUSTEES TTEE TR TRST LIVING REVOCABLE IRREVOCABLE TESTAMENTARY FAMILY")
_ESTATE = _words("ESTATE EST DECEASED HEIRS EXECUTOR EXECUTRIX DECD")
_PERSONAL_TRUST = _words("LIVING REVOCABLE IRREVOCABLE TESTAMENTARY TRUSTEE TRUSTEES TTEE")
# Words that say what a party is, or in which right it takes the property, but not who it is.
_NO_NAME = _words(
    """
    THE OF A AN AS FOR AND OR BY HIS HER THEIR JR SR II III IV MR MRS MS DR REV ET AL UX VIR ETAL ETUX ETVIR HUSBAND
    WIFE SPOUSE COUPLE MARRIED UNMARRIED SINGLE MAN WOMAN PERSON PERSONS JOINT TENANT TENANTS JTWROS COMMON SEPARATE
    WROS COMMUNITY SURVIVOR SURVIVORSHIP RIGHTS DATED DTD UTD UDT UAD FBO CUSTODIAN GUARDIAN PERSONAL REPRESENTATIVE REP
    SUCCESSOR CO-TRUSTEE U T D HW LIFE
    """
)
# Words that belong to the word after them: "DE LA CRUZ" is one surname, and "DE" is none.
_PARTICLES = _words(
    "DE LA LAS LOS DEL DELA DI DA DO DOS DAS VAN VON DER DEN TER TEN LE DU EL AL BIN BEN ST SAINT SAN MC"
)
# The most frequent given names of the United States (Census Bureau, 1990, public domain). Where one of two words is
# such a name, the other is the surname, whichever of them the county writes first.
_GIVEN_NAMES = _words(
    """
    JAMES JOHN ROBERT MICHAEL WILLIAM DAVID RICHARD CHARLES JOSEPH THOMAS CHRISTOPHER DANIEL PAUL MARK DONALD GEORGE
    KENNETH STEVEN EDWARD BRIAN RONALD ANTHONY KEVIN JASON MATTHEW GARY TIMOTHY JOSE LARRY JEFFREY FRANK SCOTT ERIC
    STEPHEN ANDREW RAYMOND GREGORY JOSHUA JERRY DENNIS WALTER PATRICK PETER HAROLD DOUGLAS HENRY CARL ARTHUR RYAN ROGER
    JOE JUAN JACK ALBERT JONATHAN JUSTIN TERRY GERALD KEITH SAMUEL WILLIE RALPH LAWRENCE NICHOLAS ROY BENJAMIN BRUCE
    BRANDON ADAM HARRY FRED BILLY STEVE LOUIS JEREMY AARON RANDY HOWARD EUGENE CARLOS RUSSELL BOBBY VICTOR MARTIN
    ERNEST PHILLIP PHILIP TODD JESSE CRAIG ALAN SHAWN CLARENCE SEAN CHRIS JOHNNY EARL JIMMY ANTONIO DANNY BRYAN TONY
    LUIS MIKE STANLEY LEONARD NATHAN DALE MANUEL RODNEY CURTIS NORMAN ALLEN MARVIN VINCENT GLENN JEFFERY TRAVIS JEFF
    CHAD JACOB MELVIN ALFRED KYLE FRANCIS BRADLEY JESUS HERBERT FREDERICK RAY JOEL EDWIN DON EDDIE RICKY TROY RANDALL
    BARRY ALEXANDER BERNARD MARIO LEROY FRANCISCO MARCUS MICHEAL THEODORE CLIFFORD MIGUEL OSCAR JAY JIM TOM CALVIN ALEX
    JON RONNIE BILL LLOYD TOMMY LEON DEREK WARREN DARRELL JEROME FLOYD LEO ALVIN TIM WESLEY GORDON DEAN GREG JORGE
    DUSTIN PEDRO DERRICK DAN LEWIS ZACHARY COREY HERMAN MAURICE VERNON ROBERTO CLYDE GLEN HECTOR SHANE RICARDO SAM RICK
    LESTER BRENT RAMON CHARLIE TYLER GILBERT GENE MARC REGINALD RUBEN BRETT ANGEL NATHANIEL RAFAEL LESLIE EDGAR MILTON
    RAUL BEN CHESTER CECIL DUANE FRANKLIN ANDRE ELMER BRAD GABRIEL RON MITCHELL ROLAND ARNOLD HARVEY JARED ADRIAN KARL
    CORY CLAUDE ERIK DARRYL NEIL CHRISTIAN JAVIER FERNANDO CLINTON TED MATHEW TYRONE DARREN LONNIE LANCE CODY JULIO
    KURT ALLAN NELSON GUY CLAYTON HUGH MAX DWAYNE DWIGHT ARMANDO FELIX JIMMIE EVERETT IAN WALLACE KEN BOB JAIME CASEY
    ALFREDO ALBERTO DAVE IVAN SIDNEY BYRON JULIAN ISAAC WILLARD DARYL VIRGIL ANDY SALVADOR SERGIO OLIVER MARSHALL KIRK
    MARY PATRICIA LINDA BARBARA ELIZABETH JENNIFER MARIA SUSAN MARGARET DOROTHY LISA NANCY KAREN BETTY HELEN SANDRA
    DONNA CAROL RUTH SHARON MICHELLE LAURA SARAH KIMBERLY DEBORAH JESSICA SHIRLEY CYNTHIA ANGELA MELISSA BRENDA AMY
    ANNA REBECCA VIRGINIA KATHLEEN PAMELA MARTHA DEBRA AMANDA STEPHANIE CAROLYN CHRISTINE MARIE JANET CATHERINE FRANCES
    ANN JOYCE DIANE ALICE JULIE HEATHER TERESA DORIS GLORIA EVELYN JEAN CHERYL MILDRED KATHERINE JOAN ASHLEY JUDITH ROSE
    JANICE KELLY NICOLE JUDY CHRISTINA KATHY THERESA BEVERLY DENISE TAMMY IRENE JANE LORI RACHEL MARILYN ANDREA KATHRYN
    LOUISE SARA ANNE JACQUELINE WANDA BONNIE JULIA RUBY LOIS TINA PHYLLIS NORMA PAULA DIANA ANNIE LILLIAN EMILY ROBIN
    PEGGY CRYSTAL GLADYS RITA DAWN CONNIE FLORENCE TRACY EDNA TIFFANY CARMEN ROSA CINDY GRACE WENDY VICTORIA EDITH
    SHERRY SYLVIA JOSEPHINE THELMA SHANNON SHEILA ETHEL ELLEN ELAINE MARJORIE CARRIE CHARLOTTE MONICA ESTHER PAULINE
    EMMA JUANITA ANITA RHONDA HAZEL AMBER EVA DEBBIE APRIL LESLIE CLARA LUCILLE JAMIE JOANNE ELEANOR VALERIE DANIELLE
    MEGAN ALICIA SUZANNE MICHELE GAIL BERTHA DARLENE VERONICA JILL ERIN GERALDINE LAUREN CATHY JOANN LORRAINE LYNN
    SALLY REGINA ERICA BEATRICE DOLORES BERNICE AUDREY YVONNE ANNETTE JUNE SAMANTHA MARION DANA STACY ANA RENEE IDA
    VIVIAN ROBERTA HOLLY BRITTANY MELANIE LORETTA YOLANDA JEANETTE LAURIE KATIE KRISTEN VANESSA ALMA SUE ELSIE BETH
    JEANNE VICKI CARLA TARA ROSEMARY EILEEN LUCY STELLA JOANNA ELLA ISABEL KATE SOPHIA NORA CLAIRE MEGHAN
    """
)


@dataclass(frozen=True)
class Party:
    """A party to a deed.

    surnames: the surnames it may have; empty for a company. company: the words of a company's name without its legal
    form; empty for persons. in_trust: the party is a trust or estate of a person or family.
    """

    surnames: frozenset[str] = frozenset()
    company: tuple[str, ...] = ()
    in_trust: bool = False


@dataclass(frozen=True)
class _Name:
    """One name. words: all its words. before, after: the words before and after its first comma, if it has one."""

    words: list[str]
    before: list[str]
    after: list[str]

    @classmethod
    def read(cls, text: str) -> _Name:
        before, comma, after = text.partition(",")
        return cls(_plain(text), _plain(before) if comma else [], _plain(after) if comma else [])

    @property
    def is_trust(self) -> bool:
        """Whether it is the name of a trust or an estate, or of its trustee or executor."""
        return not (_TRUST | _ESTATE).isdisjoint(self.words)


def parties_of(side: str) -> list[Party]:
    """The parties that one side of a deed names."""
    parties = []
    for text in _BETWEEN_PARTIES.split(_IN_WHICH_RIGHT.sub("", _ALSO_KNOWN.sub("", side))):
        names = [_Name.read(name) for name in _BETWEEN_NAMES.split(text)]
        persons, company = _divided([name for name in names if name.words])
        if company:
            parties.append(Party(company=company))
        if persons:
            parties.append(_persons(persons))
    return [party for party in parties if party.company or party.surnames]


def _plain(text: str) -> list[str]:
    """The words in upper case, without accents, apostrophes and punctuation. "L.L.C." and "L L C" become LLC."""
    letters = _APOSTROPHES.sub("", text).upper().replace(".", "")
    if not letters.isascii():
        characters = unicodedata.normalize("NFKD", letters)
        letters = "".join(character for character in characters if not unicodedata.combining(character))
    words = _WORD.findall(letters)
    if any(len(word) == 1 for word in words):
        words = _SPELLED_OUT.sub(lambda match: match[0].replace(" ", ""), " ".join(words)).split()
    return words


def _divided(names: list[_Name]) -> tuple[list[_Name], tuple[str, ...]]:
    """The persons among the names, and the words of the company among them.

    "SMITH & SONS LLC" is one company; "JOHN SMITH & ACME LLC" are a person and a company.
    """
    if not any(_is_company(name) for name in names):
        return names, ()
    persons = [
        name
        for name in names
        if not _is_company(name) and len(name.words) > 1 and not _GIVEN_NAMES.isdisjoint(name.words)
    ]
    company = _company_words(name for name in names if name not in persons)
    if _COMPANY.issuperset(company):  # In "JAMES SMITH & SONS INC" the person is part of the company's name.
        return [], _company_words(names)
    return persons, company


def _company_words(names: Iterable[_Name]) -> tuple[str, ...]:
    """A company's name without its legal form."""
    words = (word for name in names for word in name.words)
    return tuple(word for word in words if word not in _LEGAL_FORMS and word not in ("THE", "OF", "A", "AND"))


def _is_company(name: _Name) -> bool:
    company_words = [word for word in name.words if word in _COMPANY]
    if not company_words:
        return "REAL" in name.words and "ESTATE" in name.words
    return not (len(company_words) == 1 and company_words[0] in _ALSO_SURNAMES and _is_surname(company_words[0], name))


def _is_surname(word: str, name: _Name) -> bool:
    """Whether a company's word is a person's surname: alone before a comma, or, if usual as one, beside given names."""
    if name.after:
        return name.before == [word]
    others = [other for other in name.words if other != word and len(other) > 1]
    return word in _BESIDE_GIVEN_NAMES and bool(others) and _GIVEN_NAMES.issuperset(others)


def _persons(names: list[_Name]) -> Party:
    """One party of the persons who hold a property together.

    One of several names has no surname of its own when it is a single word or only given names ("SMITH JOHN & MARY
    ANN"), or when it has no comma and another name has one ("SMITH, JOHN & ELOWEN MAY"); the name of a trust always has
    its own. Where no name is left with a surname, the single words are surnames ("SMITH & JONES").
    """
    certain: set[str] = set()
    doubtful: set[str] = set()
    has_comma = any(name.before for name in names)
    for name in names:
        surnames = _surnames(name)
        in_doubt = len(_names(name.words)) == 1 or _GIVEN_NAMES.issuperset(surnames) or has_comma
        if len(names) > 1 and in_doubt and not name.before and not name.is_trust:
            doubtful |= surnames - _GIVEN_NAMES
        else:
            certain |= surnames
    in_trust = any(name.is_trust for name in names)
    parts = (part for surname in certain or doubtful for part in (surname, *surname.split("-")))
    return Party(frozenset(parts), in_trust=in_trust)


def _surnames(name: _Name) -> set[str]:
    """The words of one name that may be its surname: those before a comma, before FAMILY, or the first and the last."""
    if "FAMILY" in name.words and not name.before:
        return set(_names(name.words[: name.words.index("FAMILY")])[-1:])
    if name.before and (before := _names(name.before)) and _names(name.after):
        return set(before)
    names = _names(name.words)
    ends = {*names[:1], *names[-1:]}
    given = ends & _GIVEN_NAMES
    if len(ends) > 1 and not given and not _TRUST.isdisjoint(name.words) and _PERSONAL_TRUST.isdisjoint(name.words):
        return set()  # "NORTH POINT TRUST" is not named for a person.
    return ends - given or ends


def _names(words: list[str]) -> list[str]:
    """The words that name a person. A particle is joined to the word after it; initials and numbers are left out."""
    names: list[str] = []
    particles = ""
    for word in words:
        if word in _PARTICLES:
            particles += word
        elif (
            len(word) > 1
            and word.replace("-", "").isalpha()
            and word not in _NO_NAME
            and word not in _TRUST
            and word not in _ESTATE
        ):
            names.append(particles + word)
            particles = ""
    return names
