"""How each example of the documents is run, or what it needs first.

An example that is in none of these tables is run as it stands, its placeholders filled in. What cannot be run that way
and is not listed here makes `test_examples.py` fail.
"""

PLACEHOLDERS = {
    "<county>": "demo",
    "{county_id}": "demo",
    "{layer}": "parcels",
    # Known when the county is made.
    "{job_id}": "the job of its export",
    "{parcel_number}": "a parcel of it",
    "{property_id}": "a property of it",
    "{sale_id}": "a sale of it",
    "{password}": "its password",
}

_VALUATION = 'POST /api/v1/valuation/run {"county_id": "demo", "parameters": {"valuation_date": "2026-01-01"}, %s}'
_STUDY = (
    'POST /api/v1/reporting/run {"county_id": "demo", "report_type": "sales_ratio_study",'
    ' "parameters": {"format": "json", "time_adjustment": %s}}'
)
_EXPORT = 'POST /api/v1/gis-export/run {"county_id": "demo", "export_format": "GeoJSON", "layers": ["parcels"], %s}'
_LOGIN = 'POST /api/v1/auth/login {"username": "demo_supervisor", "password": "{password}"}'

# What is run instead of a shortened or partial example.
WRITTEN_OUT = {
    "POST /api/v1/auth/login": _LOGIN,
    '"scope": {"neighborhood": "1020"}': _VALUATION % '"scope": {"neighborhood": "1020"}',
    '{"county": true}': _VALUATION % '"scope": {"county": true}',
    "?validate_only=true": (_VALUATION % '"property_id": "100428"').replace("/run", "/run?validate_only=true"),
    "GET /api/v1/counties/demo/lookup?parcel_number=...": (
        "GET /api/v1/counties/demo/lookup?parcel_number={parcel_number}"
    ),
    "manage.py bulk_load <county> --source FILE or pacs": "manage.py bulk_load demo --source deeds.csv",
    "manage.py new_county FIPS --name …": "manage.py new_county 53025 --name 'Grant County'",
    "manage.py demo_county [--parcels N] [--seed S]": "manage.py demo_county --parcels 1000 --seed 53",
    "manage.py runworkers [--workers N]": "manage.py runworkers --workers 1",
    "gunicorn terrafusion.wsgi": "gunicorn --check-config terrafusion.wsgi",
    '{"type": "county_boundary"}': _EXPORT % '"area_of_interest": {"type": "county_boundary"}',
    '"map": true': _EXPORT % '"parameters": {"map": true}',
    "/defaults/{county_id}": "/api/v1/gis-export/defaults/demo",
    "/counties/{county_id}": "/api/v1/counties/demo",
    "/sales/{county_id}/{sale_id}": "/api/v1/sales/demo/{sale_id}",
    "/properties?county_id=…&property_id=..": "/api/v1/properties?county_id=demo&property_id=..",
    "https://…/api/v1/counties/{county_id}/ogc": "/api/v1/counties/demo/ogc",
    "/collections": "/api/v1/counties/demo/ogc/collections",
    "/collections/{layer}/items": "/api/v1/counties/demo/ogc/collections/parcels/items",
    "?parcel_number=...": "/api/v1/counties/demo/lookup?parcel_number={parcel_number}",
    '{"percent_per_year": 6}': _STUDY % '{"percent_per_year": 6}',
    '{"series": "..."}': _STUDY % '{"series": "hedonic/county/quarter"}',
    '{"from_ratios": true}': _STUDY % '{"from_ratios": true}',
    '"parameters": {"time_index": "hedonic/county/quarter"}': (
        'POST /api/v1/valuation/run {"county_id": "demo", "property_id": "100428",'
        ' "parameters": {"valuation_date": "2026-01-01", "time_index": "hedonic/county/quarter"}}'
    ),
}

# The county that the others are run against is made and served by these.
MAKES_THE_COUNTY = {"make demo", "make run", "manage.py serve [--port P]"}

# Not run here, and the words of the same document that say what it needs, how long it takes, or that it is no request.
NEEDS = {
    "manage.py export_values <county> --tax-year Y --out FILE": "needs a roll that came from it",
    "manage.py export_values benton --tax-year 2026 --out 2026_APPRAISAL_INFO.TXT": "needs a roll that came from PACS",
    "make test": "and the suite on SQLite",
    "make check": "ruff, import-linter, mypy",
    "make integration": "the contract's flows over HTTP",
    "make test-slow": "in a few minutes",
    "manage.py check_county benton --live benton_pacs": "BENTON_PACS_URL",
    "make chaos": "for an hour and a half",
    "make bench": "needs hours",
    "manage.py bulk_load benton --source pacs --dry-run": "needs `BENTON_PACS_URL`",
    "manage.py bulk_load benton --source pacs": "needs `BENTON_PACS_URL`",
    "manage.py bulk_load benton --source pacs --since last": "needs `BENTON_PACS_URL`",
    '"source": "pacs"': "is the legacy database",
    '{"column": "the correct value"}': "under corrections, then choose *Load the corrected rows again*",
    '{"data set": [load, line]}': "Every record has `lineage`",
    "/usr/local/share/ca-certificates": "the authority's file into",
    "?ServerCertificate=/etc/ssl/pacs.pem": "or name the file of the server's own certificate",
    "?HostnameInCertificate=sql.county.gov": "a certificate for another host name",
    "?TrustServerCertificate=yes": "a certificate that is not checked",
}

# Blocks that are not run: how they begin, and the words of the same document that say what they are.
SHOWN_ONLY = {
    "pip install openapi-python-client": "`tests/jobs/test_generated_client.py` does the same",
    "from terra_fusion_client import": "`tests/jobs/test_generated_client.py` does the same",
    "sales.rows: source 5 = loaded 2": "The command prints sums that add up",
    "apt-get install libodbc2": "libodbc2",
}
