"""Which parties of a deed look related by their names, and which do not. No name here is taken from a roll."""

import pytest

from market_analysis.screening.related_names import IN_TRUST, RELATED, SAME_COMPANY, are_related, relation


@pytest.mark.parametrize(
    ("grantor", "grantee"),
    [
        ("SMITH, JOHN", "SMITH, MARY"),
        ("SMITH JOHN", "Mary Smith"),
        ("SMITH JOHN A & MARY", "SMITH PETER"),
        ("John and Mary Smith", "SMITH, PETER JR"),
        ("THORNTON QUILL", "THORNTON ELOWEN"),
        ("VAN DYKE, PETER", "Anna Van Dyke"),
        ("DE LA CRUZ MARIA", "JUAN DE LA CRUZ"),
        ("GARCIA LOPEZ, ANA", "LOPEZ, LUIS"),
        ("SMITH-JONES, MARY", "JONES PETER"),
        ("MARY SMITH-JONES", "SMITH, PETER"),
        ("O'BRIEN, SEAN", "OBRIEN KATE"),
        ("Núñez, Ana", "NUNEZ LUIS"),
        ("BROWN, ANN; SMITH, JOHN", "ACME HOMES LLC; SMITH, MARY"),
        ("JOHN SMITH & ACME HOMES LLC", "SMITH, MARY"),
        ("CHURCH, MARY", "CHURCH, JOHN"),
        ("JOHN BANK", "BANK, PETER"),
        ("CO, MARIA", "CO, JOSE"),
        ("SMITH JOHN C/O JONES PETER", "SMITH MARY"),
        ("SMITH JOHN + MARY ANN", "SMITH PETER"),
        ("MARY ANN & JOHN SMITH", "SMITH PETER"),
        ("THOMAS, JAMES & MARY", "THOMAS, PETER"),
        ("JOHN SMITH, A MARRIED MAN, AS HIS SEPARATE PROPERTY", "SMITH, MARY"),
        ("JOHN SMITH, WHO ACQUIRED TITLE AS JON SMITH", "SMITH, MARY"),
        ("KIM YOUNG HO", "KIM MIN"),
        ("SMITH & JONES", "JONES, PETER"),
    ],
)
def test_natural_persons_of_one_surname_are_related(grantor, grantee):
    assert relation(grantor, grantee) == relation(grantee, grantor) == RELATED


@pytest.mark.parametrize(
    ("grantor", "grantee"),
    [
        ("SMITH, JOHN", "SMITH FAMILY TRUST"),
        ("SMITH, JOHN", "THE JOHN AND MARY SMITH FAMILY TRUST DATED 1/2/2003"),
        ("SMITH JOHN", "JOHN A SMITH REVOCABLE LIVING TRUST"),
        ("SMITH JOHN AND MARY FAMILY TRUST", "SMITH PETER"),
        ("JAMES, ANN", "JAMES FAMILY TRUST"),
        ("ESTATE OF JOHN SMITH", "SMITH, MARY"),
        ("SMITH, JOHN (ESTATE OF)", "Peter Smith"),
        ("SMITH JOHN EST", "SMITH MARY"),
        ("SMITH MARY TRUSTEE", "SMITH PETER"),
        ("SMITH TRUST", "SMITH JOHN"),
        ("SMITH FAMILY TRUST", "ESTATE OF MARY SMITH"),
        ("BROWN, ANN & SMITH FAMILY TRUST", "SMITH, PETER"),
    ],
)
def test_a_family_and_its_trust_or_estate_are_related_and_told_as_such(grantor, grantee):
    assert relation(grantor, grantee) == relation(grantee, grantor) == IN_TRUST


@pytest.mark.parametrize(
    ("grantor", "grantee"),
    [
        ("NORTH RIDGE LLC", "NORTH POINT LLC"),
        ("NORTH HOMES LLC", "NORTH BUILDERS INC"),
        ("NORTH RIDGE L.L.C.", "NORTH, PETER"),
        ("Smith & Sons, Inc.", "SMITH, JOHN"),
        ("JAMES SMITH AND SONS INC", "SMITH, PETER"),
        ("SMITH HOLDINGS LLC", "SMITH, JOHN"),
        ("SMITH PROPERTIES L P", "SMITH JOHN"),
        ("SMITH HOMES, A WASHINGTON CORPORATION", "SMITH, JOHN"),
        ("KING COUNTY", "KING, JOHN"),
        ("COUNTY OF KING", "KING, JOHN"),
        ("CITY OF JACKSON", "JACKSON PETER"),
        ("FIRST NATIONAL BANK", "FIRST BAPTIST CHURCH"),
        ("WELLS FARGO BANK NA TRUSTEE", "WELLS, PETER"),
        ("BRIDGE MORTGAGE LOAN TRUST 2006-1", "BRIDGE, PETER"),
        ("STONE REAL ESTATE", "STONE, PETER"),
        ("NORTH POINT TRUST", "NORTH RIDGE TRUST"),
        ("ST MARY CHURCH", "ST PAUL CHURCH"),
        ("RYAN HOMES", "HOMES, PETER"),
        ("JAMES CO", "CO, MARIA"),
        ("THORNTON RIDGE COMPANIES", "RIDGE, PETER"),
        ("THORNTON CREDIT UNION", "THORNTON, PETER"),
        ("LLC", "LLC"),
        ("", "SMITH, JOHN"),
    ],
)
def test_words_of_companies_are_no_surnames(grantor, grantee):
    assert relation(grantor, grantee) is None
    assert relation(grantee, grantor) is None


@pytest.mark.parametrize(
    ("grantor", "grantee"),
    [
        ("SMITH JOHN", "ADAMS JOHN"),
        ("JOHN SMITH", "JOHN ADAMS"),
        ("SMITH JOHN", "JOHN ADAMS"),
        ("SMITH, JOHN & MARY", "BROWN, MARY"),
        ("JOHN & MARY SMITH", "JOHN & KATE BROWN"),
        ("DE LA CRUZ MARIA", "DE LEON JUAN"),
        ("VAN DYKE, PETER", "VAN HORN, ANNA"),
        ("SMITH JOHN & MARY ANN", "BROWN PETER & MARY ANN"),
        ("SMITH JOHN & MARY", "MARY BROWN"),
        ("KIRKWICK, HOLLIS & VERITY", "ULMERE, BRISA & VERITY"),
        ("KIRKWICK HOLLIS & VERITY", "ULMERE BRISA & VERITY"),
        ("KIRKWICK, HOLLIS & VERITY MAY", "ULMERE, BRISA & VERITY MAY"),
        ("SMITH JOHN HUSBAND AND WIFE", "BROWN PETER HUSBAND AND WIFE"),
        ("SMITH JOHN ET UX", "BROWN PETER ET UX"),
        ("THE SMITH LIVING TRUST", "THE BROWN LIVING TRUST"),
        ("ESTATE OF JOHN SMITH", "ESTATE OF JOHN BROWN"),
    ],
)
def test_a_given_name_a_particle_or_a_legal_word_in_common_is_no_relation(grantor, grantee):
    assert not are_related(grantor, grantee)
    assert not are_related(grantee, grantor)


@pytest.mark.parametrize(
    ("grantor", "grantee"),
    [
        ("NORTH RIDGE LLC", "North Ridge, L.L.C."),
        ("ACME HOMES INC", "ACME HOMES LLC"),
        ("Bank of the West N.A.", "BANK OF THE WEST"),
        ("THE ACME COMPANY", "ACME CO."),
        ("3M CO", "3M COMPANY"),
    ],
)
def test_a_company_of_one_name_on_both_sides_is_told_as_a_company(grantor, grantee):
    assert relation(grantor, grantee) == SAME_COMPANY


@pytest.mark.parametrize(
    "written",
    ["LLC", "L.L.C.", "L L C", "llc.", "Inc", "INC.", "Corp.", "CO.", "L.P.", "LP", "LTD", "COUNTY", "BANK", "CHURCH"],
)
def test_a_legal_form_in_any_writing_makes_a_company(written):
    assert not are_related(f"THORNTON RIDGE, {written}", "THORNTON, PETER")
    assert not are_related(f"THORNTON RIDGE {written}", "RIDGE, PETER")


def test_a_word_that_holds_a_legal_form_is_a_surname_all_the_same():
    assert relation("COHEN, PETER", "COHEN, ANN") == RELATED
    assert relation("INCE PETER", "INCE ANN") == RELATED
    assert relation("TRUSTY, PETER", "TRUSTY, ANN") == RELATED
