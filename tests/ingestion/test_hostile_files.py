"""Files from somebody who means harm: every one refused with a reason, nothing fetched, nothing written."""

import gzip
import io
import socket
import struct
import zipfile

import pytest

from county_configs.safe_yaml import read_yaml
from ingestion.connectors import opening
from ingestion.connectors.files import open_file
from ingestion.connectors.source import UnreadableSource
from terrafusion.errors import ConfigurationError


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Any attempt to connect fails the test, and is counted."""
    attempts = []

    def refuse(*args):
        attempts.append(args)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert attempts == []


@pytest.fixture
def refused(tmp_path):
    """Opens and reads the file to its end; must be refused before it ends, with a reason and no folder named."""

    def check(path, match=None):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UnreadableSource, match=match) as raised:
            _read_to_the_end(path)
        assert str(tmp_path) not in str(raised.value)
        assert sorted(tmp_path.rglob("*")) == before
        return str(raised.value)

    return check


def _read_to_the_end(path):
    source = open_file(path)
    source.columns()
    for _ in source.batches():
        pass


# --- Archives ---


def zipped(path, *members, flags=0, attributes=0, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes << 16
            info.compress_type = compression
            archive.writestr(info, content)
    if flags:
        data = bytearray(path.read_bytes())
        for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            place = data.find(signature) + at
            data[place : place + 2] = struct.pack("<H", flags)
        path.write_bytes(bytes(data))
    return path


CSV = b"id,value\n1,2\n"
ARCHIVES = {
    "a name that climbs": ([("../../etc/cron.d/x.csv", CSV)], {}, "leaves its folder"),
    "a name from the root": ([("/etc/x.csv", CSV)], {}, "leaves its folder"),
    "a name with a drive": ([("C:\\x.csv", CSV)], {}, "leaves its folder"),
    "a name that climbs with backslashes": ([("..\\..\\x.csv", CSV)], {}, "leaves its folder"),
    "a link": ([("x.csv", b"/etc/passwd")], {"attributes": 0o120777}, "a link instead of a file"),
    "a password": ([("x.csv", CSV)], {"flags": 1}, "password"),
    "an archive in the archive": ([("x.zip", CSV)], {}, "another archive"),
    "a compressed member": ([("x.csv.gz", gzip.compress(CSV))], {}, "another archive"),
    "too many members": ([(f"{number}.csv", CSV) for number in range(300)], {}, "at most 200"),
    "two members of one name": ([("x.csv", CSV), ("X.csv", CSV)], {}, "two files of the same name"),
    "no table at all": ([("readme.exe", b"MZ")], {}, "files that could be meant"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_harmful_archive_is_refused(tmp_path, refused, kind):
    members, options, match = ARCHIVES[kind]

    refused(zipped(tmp_path / "roll.zip", *members, **options), match)


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.csv.gz"])
def test_a_bomb_is_refused_while_it_unpacks(tmp_path, refused, name):
    """40 MB of blanks in 40 KB."""
    content = b"id,value\n" + b" " * 40_000_000
    if name.endswith("zip"):
        zipped(tmp_path / name, ("x.csv", content))
    else:
        (tmp_path / name).write_bytes(gzip.compress(content))

    refused(tmp_path / name, "times its size")


def test_a_size_the_archive_lies_about_is_counted(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(opening, "LARGEST_UNPACKED", 100_000)
    (tmp_path / "big.csv.gz").write_bytes(gzip.compress(b"id\n" + b"1\n" * 200_000))

    refused(tmp_path / "big.csv.gz", "unpacks to more than 100,000 bytes")


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"", b"PK\x05\x06" + b"\x00" * 18, b"not a zip"])
def test_what_is_no_archive_is_refused(tmp_path, refused, content):
    (tmp_path / "roll.zip").write_bytes(content)

    refused(tmp_path / "roll.zip")


# --- XML and KML ---

KML = '<kml xmlns="http://www.opengis.net/kml/2.2">{}<Placemark><Point><coordinates>1,2</coordinates></Point></Placemark></kml>'
BOMB = "".join(
    f'<!ENTITY a{n} "{"&a" + str(n - 1) + ";" if n else "x"}{"&a" + str(n - 1) + ";" if n else "x"}">' for n in range(9)
)
VIRTUAL = "<OGRVRTDataSource><OGRVRTLayer><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
XML = {
    "laughs": f"<!DOCTYPE kml [{BOMB}]>" + KML.format("&a8;"),
    "quadratic": "<!DOCTYPE kml [<!ENTITY a '" + "x" * 5000 + "'>]>" + KML.format("&a;" * 1000),
    "a file as an entity": '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + KML.format("<name>&x;</name>"),
    "an address as an entity": '<!DOCTYPE kml [<!ENTITY x SYSTEM "http://127.0.0.1/x">]>' + KML.format("&x;"),
    "a parameter entity": '<!DOCTYPE kml [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]>' + KML.format(""),
    "a public entity": '<!DOCTYPE kml [<!ENTITY x PUBLIC "-" "http://127.0.0.1/">]>' + KML.format("&x;"),
    "an outside document type": '<!DOCTYPE kml SYSTEM "http://127.0.0.1/x.dtd">' + KML.format(""),
    "a small document type": '<!doctype kml SYSTEM "x.dtd">' + KML.format(""),
    "a network link": KML.format("<NetworkLink><Link><href>http://127.0.0.1/x.kml</href></Link></NetworkLink>"),
    "a network link to a file": KML.format("<NetworkLink><Link><href>file:///etc/passwd</href></Link></NetworkLink>"),
    "a small network link": KML.format("<networklink><href>//host/x</href></networklink>"),
    "a style elsewhere": KML.format("<Style><IconStyle><Icon><href>http://127.0.0.1/i.png</href></Icon></IconStyle></Style>"),
    "an overlay": KML.format("<GroundOverlay><Icon><href>x.png</href></Icon></GroundOverlay>"),
    "a share": KML.format("<Style><Icon><href>\\\\host\\share</href></Icon></Style>"),
    "an absolute path": KML.format("<Style><Icon><href>/etc/passwd</href></Icon></Style>"),
    "an inclusion": KML.format('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'),
    "a stylesheet": '<?xml-stylesheet href="http://127.0.0.1/x.xsl"?>' + KML.format(""),
    "a linked part": KML.format('<x xlink:href="http://127.0.0.1/x"/>'),
    "an attribute list": "<!DOCTYPE kml [<!ATTLIST kml x CDATA 'y'>]>" + KML.format(""),
    "ftp": KML.format("<Link><href>ftp://127.0.0.1/x</href></Link>"),
    "a virtual source": VIRTUAL.format("/etc/passwd"),
    "a virtual source of an address": VIRTUAL.format("/vsicurl/http://127.0.0.1/x"),
    "a web feature service": '<OGRWFSDataSource><URL>http://127.0.0.1/wfs</URL></OGRWFSDataSource>',
    "two bytes to a letter": KML.format("<NetworkLink/>").encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("kind", XML)
def test_harmful_xml_is_refused(tmp_path, refused, kind):
    """24 of them."""
    content = XML[kind]
    path = tmp_path / "layer.kml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    refused(path)


def test_there_are_24_of_them():
    assert len(XML) == 24
    assert len(ARCHIVES) >= 11


def test_harmless_kml_is_read(tmp_path):
    path = tmp_path / "layer.kml"
    path.write_text(KML.format(""))

    (batch,) = open_file(path).batches()

    assert batch.rows.height == 1


def test_a_trick_far_into_the_file_is_found(tmp_path, refused):
    path = tmp_path / "layer.kml"
    path.write_text(KML.format("<!--" + "x" * ((1 << 20) - 100) + "-->" + "<NetworkLink/>"))

    refused(path, "a link to another server")


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/passwd"}',
        '{"type": "FeatureCollection", "x": {"type": "gdal_streamed_alg"}, "features": []}',
        '{"type": "Topology", "objects": {}}',
        '{"stac_version": "1.0.0", "type": "FeatureCollection", "features": []}',
        '<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>',
        "PG:dbname=terrafusion",
        "[]",
        '"http://127.0.0.1/x.geojson"',
    ],
)
def test_what_only_looks_like_geojson_is_refused(tmp_path, refused, text):
    (tmp_path / "layer.geojson").write_text(text)

    refused(tmp_path / "layer.geojson")


# --- Names that are not files ---


@pytest.mark.parametrize(
    "name",
    [
        "/vsicurl/http://127.0.0.1/x.geojson",
        "/vsizip//etc/x.zip/x.csv",
        "/vsimem/x.geojson",
        "vsis3/bucket/x.gpkg",
        "http://127.0.0.1/x.csv",
        "ftp://127.0.0.1/x.csv",
        "PG:host=127.0.0.1 dbname=x",
        "MSSQL:server=127.0.0.1;database=x",
        "GPKG:x.gpkg:table",
        "<OGRVRTDataSource/>",
        "/etc",
        "/dev/zero",
        "/proc/self/environ",
    ],
)
def test_a_source_is_a_file_and_nothing_else(refused, name):
    from pathlib import Path

    refused(Path(name))


@pytest.mark.parametrize(
    "name", ["layer.vrt", "layer.sqlite", "layer.gml", "layer.xls", "layer", "layer.pdf", "layer.tif.gz"]
)
def test_other_kinds_of_files_are_named_and_refused(tmp_path, refused, name):
    (tmp_path / name).write_bytes(b"x")

    assert ".csv" in refused(tmp_path / name, "files of this kind are not read")


@pytest.mark.parametrize("name", ["x.gpkg", "x.fgb", "x.shp", "x.parquet", "x.xlsx"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, refused, name):
    (tmp_path / name).write_bytes(b"SELECT 1; " * 50)

    refused(tmp_path / name)


def test_a_workbook_with_a_document_type_is_refused(tmp_path, refused):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><workbook/>')
    (tmp_path / "x.xlsx").write_bytes(stream.getvalue())

    refused(tmp_path / "x.xlsx", "document type")


# --- YAML ---

YAML = {
    "laughs": "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n",
    "a merge": "a: &a {x: 1}\nb: {<<: *a}\n",
    "a python object": "a: !!python/object/apply:os.system ['true']\n",
    "a python name": "a: !!python/name:os.system\n",
    "an unknown tag": "a: !include /etc/passwd\n",
    "depth": "[" * 60 + "]" * 60,
    "size": "a: " + "x" * 1_100_000,
    "a key twice": "a: 1\na: 2\n",
    "a key that is a list": "? [a, b]\n: 1\n",
    "a recursion": "a: &a [*a]\n",
    "not utf-8": b"a: \xff\xfe",
    "half a file": "a: [1, 2",
    "control characters": "a: \x07",
}


@pytest.mark.parametrize("kind", YAML)
def test_a_harmful_configuration_is_refused_with_file_and_reason(tmp_path, kind):
    path = tmp_path / "mappings.yaml"
    content = YAML[kind]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(ConfigurationError, match=r"mappings\.yaml"):
        read_yaml(path)
