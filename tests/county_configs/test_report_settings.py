"""What a county may say about its reports."""

from typing import get_args

import pytest

from county_configs.county_file import read_county_file
from reporting.county_settings import Edition, RatioStudySection
from reporting.statistics.editions import DEFAULT_EDITION, EDITIONS
from terrafusion.errors import ConfigurationError

COUNTY = """
county_id: sample
name: Sample County
state: WA
fips: "53001"
crs: EPSG:2927
time_zone: America/Los_Angeles
"""


@pytest.fixture
def read(tmp_path):
    def file(text):
        path = tmp_path / "sample" / "county.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(COUNTY + text)
        return read_county_file(path)

    return file


def test_a_class_has_bands_of_its_own_and_the_rest_are_the_defaults(read):
    study = read("ratio_study:\n  bands: {cod: [5, 20]}\n  class_bands:\n    vacant: {cod: [5, 25]}\n").ratio_study

    assert (study.bands.cod, study.bands.prd) == ((5.0, 20.0), (0.98, 1.03))
    assert study.class_bands["vacant"].cod == (5.0, 25.0)


@pytest.mark.parametrize("written", ["2013", '"2013"', "draft_2026", "2026"])
def test_a_county_names_its_edition_with_or_without_quotes(read, written):
    assert read(f"ratio_study: {{edition: {written}}}\n").ratio_study.edition == written.strip('"')


def test_every_edition_the_file_may_name_is_one_the_study_knows():
    assert get_args(Edition) == tuple(EDITIONS)
    assert RatioStudySection().edition == DEFAULT_EDITION


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ratio_study: {edition: 2027}", r"ratio_study.edition: .*'2013', 'draft_2026' or '2026'"),
        ("ratio_study: {edition: true}", "ratio_study.edition"),
        ("ratio_study: {bands: {cod: [.nan, 15]}}", "ratio_study.bands.cod"),
        ("ratio_study: {bands: {cod: [5, .inf]}}", "ratio_study.bands.cod"),
        ("ratio_study: {chasing_tolerance_percent: .inf}", "ratio_study.chasing_tolerance_percent"),
        ("ratio_study: {bands: {cod: [15, 5]}}", r"ratio_study.bands.cod: .*lower bound first"),
        ("ratio_study: {bands: {shoe: [1, 2]}}", "ratio_study.bands.shoe"),
        ("ratio_study: {trim_rule: mine}", "ratio_study.trim_rule"),
        ("ratio_study: {confidence: 95}", "ratio_study.confidence"),
        ("dor_ratio: {value_strata: [0]}", "dor_ratio.value_strata"),
        ("dor_ratio: {value_strata: [400000, 200000]}", r"dor_ratio.value_strata: .*low to high"),
        ("dor_ratio: {invalid_codes: {family: 0}}", "dor_ratio.invalid_codes.family"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_place(read, text, place):
    with pytest.raises(ConfigurationError, match=place):
        read(text)
