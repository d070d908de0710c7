"""The results table in its text forms: the same figures, marks, markup that programs accept."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest
from study_tables import CITIES, study_table, three_seeds
from workflow_runs import ROOT

from pocketvlad.report.published import published_results
from pocketvlad.report.rows import read_table
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.tables.html import html_page
from pocketvlad.report.tables.layout import results_layout
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.report.tables.tex import escaped, tex_table

NOTES = ["oxford: 50% of R&D_set #1, 33 queries.", "Only a part of the data."]


def written(table, folder):
    """As the workflow has it: written, and read again."""
    table.to_csv(folder / "table.csv", index=False, float_format="%.6g")
    return read_table(folder / "table.csv")


def laid_out(table):
    paper = published_results(ROOT / "config" / "paper_results.csv")
    return results_layout(table, paper, CITIES, "Results of the study <mini>", NOTES)


@pytest.fixture
def table(tmp_path):
    return written(study_table(), tmp_path)


@pytest.fixture
def layout(table):
    return laid_out(table)


@pytest.fixture
def several(tmp_path):
    """Base models and some cells are means of three trainings."""
    return written(three_seeds(), tmp_path)


class _Page(HTMLParser):
    """Rows of a page's only table as texts, and what tags it has with which attributes."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self._open = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data):
        if self._open:
            self.rows[-1][-1] += data


def numbers(row):
    """Of each entry: every number in it, as text and in order, and the marks."""
    return [(re.findall(r"-?\d+(?:\.\d+)?", entry), re.findall("[★†=]", entry)) for entry in row]


def from_markdown(text):
    """{model: rows of entries}"""
    models = {}
    for part in text.split("\n## ")[1:]:
        name, *lines = part.splitlines()
        rows = [line.strip("|").split("|") for line in lines if line.startswith("|")]
        models[name] = rows[2:]
    return models


def from_html(text):
    models = {}
    for row in _Page(text).rows[1:]:
        if len(row) == 1:
            models[row[0]] = []
        else:
            models[list(models)[-1]].append(row)
    return models


def from_tex(text, columns):
    """Dense figures, which stand in a second line, are put where other forms have them."""
    models = {}
    first = [column.heading for column in columns if not column.below]
    above = {}
    body = text.split("\\endfoot")[1].split("\\end{longtable}")[0]
    for line in body.strip().splitlines():
        if name := re.match(r"\\multicolumn\{\d+\}\{l\}\{\\textit\{(.*)\}\}", line):
            models[name[1].replace(r"\_", "_")] = []
        elif "&" in line:
            plain = line.replace("$-$", "-").replace(r"$\star$", "★").replace(r"\dag{}", "†")
            plain = re.sub(r"\\textbf\{(.*?)\}", r"\1", plain).replace(r"\tiny", "")
            row = re.sub(r" \\\\\*?$", "", plain).split(" & ")
            if not above:
                above = dict(zip(first, row, strict=True))
                continue
            below = dict(zip(first, row, strict=True))
            models[list(models)[-1]].append(
                [below[each.below] if each.below else above[each.heading] for each in columns]
            )
            filled = {heading for heading, entry in below.items() if entry}
            assert filled == {each.below for each in columns if each.below}
            above = {}
    return models


def in_all_forms(layout):
    """Of each form the rows of entries by model."""
    return {
        "markdown": from_markdown(markdown_table(layout)),
        "html": from_html(html_page(layout)),
        "tex": from_tex(tex_table(layout), layout.columns),
    }


def assert_alike(forms):
    """To the letter, intervals, the paper's figures, spreads and marks included."""
    texts = [
        [[numbers(row) for row in rows] for rows in models.values()] for models in forms.values()
    ]
    assert texts[0] == texts[1] == texts[2]


def test_all_forms_have_the_figures_of_the_csv(table, layout):
    forms = in_all_forms(layout)
    for name, models in forms.items():
        assert list(models) == ["vgg16", "tiny_net"], name
        lines = [line for _, line in table.iterrows()]
        rows = [row for each in models.values() for row in each]
        assert len(rows) == len(lines)
        for row, line in zip(rows, lines, strict=True):
            assert [len(r) for r in rows] == [len(layout.columns)] * len(rows)
            first = [found[0] if found else "" for found, _ in numbers(row)]
            expected = {
                0: (line["bits"], 0),
                3: (line["pruned_percent"], 1),
                4: (line["drop_oxford"], 1),
                5: (line["drop_paris"], 1),
                6: (line["drop_mean"], 1),
                7: (line["dense_drop_oxford"], 1),
                8: (line["dense_drop_paris"], 1),
                9: (line["dense_drop_mean"], 1),
                10: (None if line["version"] == "base" else line["dense_visible_drop"], 1),
                11: (line["paper_memory_mb"], 2),
                12: (line["paper_ratio"], 1),
                13: (line["file_mb"], 2),
                14: (line["ratio"], 1),
                15: (line["projection_bytes_percent"], 0),
                16: (line["length_oxford"], 0),
                17: (line["map_oxford"], 1),
                18: (line["map_paris"], 1),
                19: (line["dense_map_oxford"], 1),
                20: (line["dense_map_paris"], 1),
            }
            for column, (value, digits) in expected.items():
                if pd.isna(value):
                    assert row[column].strip() == ""
                    continue
                assert float(first[column]) == pytest.approx(value, abs=0.5001 * 10**-digits)
            if line["version"] != "base":
                for column, name in {4: "drop_oxford_landmarks", 9: "dense_drop_mean"}.items():
                    low, high = numbers(row)[column][0][1:3]
                    assert float(low) == pytest.approx(line[f"{name}_low"], abs=0.051)
                    assert float(high) == pytest.approx(line[f"{name}_high"], abs=0.051)
    assert_alike(forms)


def test_a_row_of_several_seeds_names_them_and_has_a_spread(several):
    layout = laid_out(several)
    forms = in_all_forms(layout)
    assert_alike(forms)
    headings = [column.heading for column in layout.columns]
    rows = [
        dict(zip(headings, map(str.strip, row), strict=True))
        for each in forms["markdown"].values()
        for row in each
    ]
    spread = {
        "drop, mean": "drop_mean",
        "dense drop, mean": "dense_drop_mean",
        "file ratio": "ratio",
        "mAP paris": "map_paris",
        "dense mAP paris": "dense_map_paris",
    }
    for row, (_, line) in zip(rows, several.iterrows(), strict=True):
        assert row["seeds"] == line["seeds"]
        for heading, column in spread.items():
            found = re.findall(r"± (\d+\.\d)", row[heading])
            if line["seeds"] == "1" or (line["version"] == "base" and "drop" in heading):
                assert not found
            else:
                assert float(found[0]) == pytest.approx(line[f"{column}_spread"], abs=0.0501)
        assert "±" not in row["drop oxford"] + row["file"]
    assert [row["drop, mean"] for row in rows if row["seeds"] == "1 2 3"][1].startswith("0.3 ± ")


def test_the_explanation_says_what_rows_rest_on(layout, several):
    of_one = " ".join(layout.explanation)
    assert "Every row is of one training with seed 1" in of_one
    assert "do not allow for other trainings" in of_one
    assert "seeds" not in [column.heading for column in layout.columns]
    counts = "33 of oxford (11 landmarks) and 33 of paris (11 landmarks); dense queries: 159 of"
    unlike = " ".join(laid_out(several).explanation)
    alike = " ".join(laid_out(several.assign(seeds="1 2 3")).explanation)
    assert all(counts in text for text in (of_one, unlike, alike))
    for text in (unlike, alike):
        assert "one training" not in text
        assert "± is the standard deviation" in text
    assert "not the differences between its mAP and that of the base model's row" in unlike
    assert "not the differences" not in alike
    assert "★ and † are of the rows of the most trainings of a model" in unlike
    assert "most trainings" not in alike + of_one


def test_the_papers_figures_stand_beside_ours(layout):
    rows = from_markdown(markdown_table(layout))["vgg16"]
    assert rows[0][11].strip().endswith("(529.5)")
    assert rows[1][3].strip() == "53.1 (51.77)"
    assert rows[3][4].strip() == "1.0 [-0.8, 3.5] (2)"
    assert rows[3][12].strip().endswith("(13.1)")  # 529.5 / 40.5
    # A model that the paper does not have.
    assert not any(
        "(" in entry for row in from_markdown(markdown_table(layout))["tiny_net"] for entry in row
    )


def test_a_rounded_model_has_neither_bits_nor_the_papers_memory(layout):
    row = [entry.strip() for entry in from_markdown(markdown_table(layout))["tiny_net"][3]]
    assert row[:3] == ["", "rd", "distortion 0.4"]
    assert row[11:13] == ["", ""]


def test_blanks_are_read_as_such(table):
    base, rounded = table.iloc[0], table.iloc[-1]
    texts = ["quantizer", "codebook", "l1", "threshold"]
    assert [*rounded[texts]] == [*base[texts]] == [""] * 4
    assert rounded["distortion"] == "0.4"
    assert base["bits"] == 32
    assert rounded[["bits", "paper_memory_mb", "paper_ratio"]].isna().all()
    # Names stay the texts that they are.
    assert set(table["threshold"]) == {"", "0.005", "0.01"}


def test_marks_and_their_legend(layout):
    files = {
        model: [row[13].strip() for row in rows]
        for model, rows in from_markdown(markdown_table(layout)).items()
    }
    assert files["vgg16"] == ["126.24", "17.83", "13.02 ★", "8.39 †", "8.43", "7.05"]
    assert files["tiny_net"] == ["2.50", "0.20", "0.40 †", "0.50"]
    for form in (markdown_table, html_page):
        for mark in "★†=":
            assert re.search(f"{mark} (the smallest file|no drop)", form(layout))


def test_without_dense_queries_the_official_drop_is_marked(table):
    table = table[[name for name in table if not name.startswith("dense")]]
    layout = laid_out(table)
    assert not [column for column in layout.columns if column.heading.startswith("dense")]
    rows = from_markdown(markdown_table(layout))["vgg16"]
    assert rows[2][6].strip() == "0.3 [-1.4, 2.5] ="
    assert rows[2][7].strip() == "1.9"  # visible
    tex = tex_table(layout)
    assert "Below projection is length." in tex
    assert "Dense figures" not in tex
    assert tex.count(r"\\*") == 10 + 2  # of each row the first line; the models' names


def test_lengths_are_of_each_city_where_they_differ(layout):
    lengths = {
        model: [row[16].strip() for row in rows]
        for model, rows in from_markdown(markdown_table(layout)).items()
    }
    assert lengths == {"vgg16": ["512"] * 6, "tiny_net": ["512"] * 3 + ["384, 448"]}


def test_a_mark_that_no_cell_has_is_not_explained(table):
    table[["no_drop", "best_no_drop"]] = False
    layout = laid_out(table)
    assert [mark for mark, _ in layout.legend] == ["†"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(-0.04, 1, "0.0"), (0.05, 1, "0.1"), (-1.26, 1, "-1.3"), (3, 0, "3")],
)
def test_fixed_has_no_negative_zero(value, digits, text):
    assert fixed(value, digits) == text


def test_html_is_one_accessible_table_and_needs_nothing(layout):
    text = html_page(layout)
    page = _Page(text)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption") == tags.count("h1") == 1
    headers = [attributes for tag, attributes in page.tags if tag == "th"]
    assert {each.get("scope") for each in headers} == {"col", "row", "rowgroup"}
    assert not {"script", "link", "img"} & set(tags)
    assert "http" not in text
    assert "Results of the study &lt;mini&gt;" in text
    assert "R&amp;D_set" in text
    assert (
        "meta",
        {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    ) in page.tags


def test_tex_escapes():
    assert escaped(r"50% of R&D_set #1 {a} $x^2~\y") == (
        r"50\% of R\&D\_set \#1 \{a\} \$x\textasciicircum{}2\textasciitilde{}\textbackslash{}y"
    )
    assert escaped("-1.3 [-4.0, 1.4]") == "$-$1.3 [$-$4.0, 1.4]"
    assert escaped("kmeans-8") == "kmeans-8"


@pytest.mark.parametrize("study", [study_table, three_seeds])
def test_tex_compiles(tmp_path, study):
    layout = laid_out(written(study(), tmp_path))
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base)")
    (tmp_path / "table.tex").write_text(tex_table(layout), encoding="utf-8")
    for _ in range(2):  # longtable needs the widths of the first run
        result = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stdout[-3000:]
    assert "Overfull" not in result.stdout
    assert (tmp_path / "table.pdf").stat().st_size > 1000


def test_the_papers_own_ratio():
    paper = published_results(ROOT / "config" / "paper_results.csv")
    assert paper.loc[("alexnet", 8, "0.005"), "ratio"] == pytest.approx(248.6 / 32.4)
    assert paper.loc[("vgg16", 32, ""), "ratio"] == 1
