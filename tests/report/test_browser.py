"""The page in a real browser: it draws, sorts, asks for nothing, and runs nothing foreign."""

import shutil
from dataclasses import replace

import pytest
from report_tables import ASKED, full_report, report, run

from regsweep.report.page.page import page
from regsweep.report.tables.gather import Problem

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
ATTACK = "</script><script>hacked=1</script><img src=x onerror=hacked=1><b onclick=hacked=1>"
STYLED_TEXTS = "[...document.querySelectorAll('svg text')].map(t => t.textContent)"


class Opened:
    """A page that is open in a tab, and all that it complained of and asked for."""

    def __init__(self, browser, path):
        self.tab = browser.new_page(viewport={"width": 1400, "height": 900})
        self.complaints, self.requests = [], []
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.url = path.as_uri()
        self.tab.goto(self.url)
        self.until(
            "document.querySelectorAll('.plot .main-svg').length >="
            " document.querySelectorAll('.plot').length"
        )

    def until(self, expression):
        """Wait for it; playwright's own way of waiting is refused by the page's policy."""
        for _ in range(200):
            if self.tab.evaluate(expression):
                return
            self.tab.wait_for_timeout(25)
        raise AssertionError(f"not within 5 seconds: {expression}")

    def column(self, title):
        """The texts of a column of the comparison, from top to bottom."""
        titles = self.tab.locator("#comparison thead th").all_inner_texts()
        place = titles.index(title) + 1
        return self.tab.locator(f"#comparison tbody tr > :nth-child({place})").all_inner_texts()

    def click(self, title):
        self.tab.get_by_role("button", name=title, exact=True).click()


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"needs a browser: none of {', '.join(BROWSERS)} was found")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(full_report()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def opened(browser, file):
    """One tab for all that reads the full report: drawing it takes seconds."""
    made = Opened(browser, file)
    yield made
    made.tab.close()


def test_every_plot_is_drawn_without_complaint_or_request(opened):
    plots = opened.tab.locator(".plot").all()
    assert len(plots) == 7
    assert all(plot.locator(".scatterlayer .trace").count() > 0 for plot in plots)
    assert opened.complaints == []
    assert opened.requests == [opened.url]


def test_headers_sort_by_number_and_keep_empty_cells_last(opened):
    title = "improvement in test loss over the baseline [interval, corrected for 2 tests]"
    opened.click(title)
    assert opened.column("arm") == ["l1", "l2", "none"]
    opened.click(title)
    assert opened.column("arm") == ["l2", "l1", "none"]
    header = opened.tab.locator("#comparison th", has_text=title)
    assert header.get_attribute("aria-sort") == "descending"
    opened.click("arm")
    assert opened.column("arm") == ["l1", "l2", "none"]
    assert header.get_attribute("aria-sort") == "none"


def test_numbers_are_not_sorted_as_text(browser, tmp_path):
    arms = {"a": 10, "b": 9, "c": 100}
    # Single runs of one setting each have no plot, so that the page opens at once.
    fields = {"stage": "single", "metrics": {"near_zero_fraction": None}}
    runs = [run(a, trial=n, **fields) for a, count in arms.items() for n in range(count)]
    path = tmp_path / "report.html"
    path.write_text(page(report(runs)), encoding="utf-8")
    opened = Opened(browser, path)
    assert opened.tab.locator(".plot").count() == 0
    opened.click("trials")
    assert opened.column("trials") == ["9", "10", "100"]
    opened.tab.close()


def test_a_click_copies_the_whole_overrides(opened):
    opened.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = opened.tab.locator("#comparison tr", has_text="weight=0.0001").first.locator(".copy")
    button.click()
    opened.until("document.querySelector('.copy').textContent !== 'copy'")
    whole = f"regularizer={opened.column('arm')[0]} regularizer.weight=0.0001"
    if button.inner_text() == "copied":
        assert opened.tab.evaluate("navigator.clipboard.readText()") == whole
    else:
        assert opened.tab.evaluate("getSelection().toString()") == whole


def test_a_click_shows_all_columns_and_another_folds_them(opened):
    def shown():
        titles = opened.tab.locator("#comparison thead th").all()
        return [title.inner_text() for title in titles if title.is_visible()]

    folded = shown()
    assert "trials" not in folded
    assert "validation loss" not in folded
    opened.click("all columns")
    assert [title for title in shown() if title in folded] == folded
    assert {"trials", "validation loss"} < set(shown())
    opened.click("fewer columns")
    assert shown() == folded


@pytest.mark.parametrize("format", ["LaTeX", "Markdown"])
def test_a_click_copies_a_table_for_a_paper(opened, format):
    opened.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fold = opened.tab.locator("details", has_text=f"The table in {format}")
    fold.locator("summary").click()
    whole = fold.locator("pre").inner_text()
    assert whole.count("better") == 2
    button = fold.locator(".copy")
    button.click()
    opened.until(
        "[...document.querySelectorAll('details[open] .copy')].at(-1).textContent !== 'copy'"
    )
    if button.inner_text() == "copied":
        assert opened.tab.evaluate("navigator.clipboard.readText()") == whole
    else:
        assert opened.tab.evaluate("getSelection().toString()") == whole
    fold.locator("summary").click()


def test_a_narrow_window_has_names_above_the_rows_of_differences(opened):
    def beside():
        return opened.tab.locator(".answer-plot .ytick text").count()

    above = opened.tab.locator(".answer-plot .annotation")
    assert (beside(), above.count()) == (2, 0)
    opened.tab.set_viewport_size({"width": 400, "height": 900})
    opened.until("document.querySelectorAll('.answer-plot .annotation').length === 2")
    assert [" ".join(text.split()) for text in above.all_text_contents()] == [
        "l2 better",
        "l1 better",
    ]
    assert beside() == 0
    opened.tab.set_viewport_size({"width": 1400, "height": 900})
    opened.until("document.querySelectorAll('.answer-plot .annotation').length === 0")
    assert beside() == 2
    assert opened.complaints == []


def test_a_narrow_window_has_no_sideways_scroll_and_plots_that_fit(opened):
    opened.tab.set_viewport_size({"width": 400, "height": 900})
    opened.until(
        "[...document.querySelectorAll('.plot .main-svg')].every(s => s.clientWidth <= 400)"
    )
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= 400
    table = opened.tab.locator("#comparison").bounding_box()
    assert table["width"] > 400
    opened.tab.set_viewport_size({"width": 1400, "height": 900})
    assert opened.complaints == []


def test_plots_follow_the_colour_scheme(opened):
    def color():
        return opened.tab.evaluate(
            "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
        )

    light = color()
    opened.tab.emulate_media(color_scheme="dark")
    opened.until(
        f"getComputedStyle(document.querySelector('.plot .xtick text')).fill !== '{light}'"
    )
    opened.tab.emulate_media(color_scheme="light")
    opened.until(
        f"getComputedStyle(document.querySelector('.plot .xtick text')).fill === '{light}'"
    )
    assert opened.complaints == []


def test_hostile_values_are_shown_and_not_executed(browser, tmp_path):
    params = {ATTACK: ATTACK, "regularizer.weight": 0.1}
    arm = {"regularizer": ATTACK}
    runs = [run("x", 0.2 + n, sweep=ATTACK, arm=arm, params=params, trial=n) for n in range(2)]
    arms = {f"regularizer={ATTACK}": {ATTACK: ATTACK}}
    asked = {ATTACK: replace(ASKED, overrides=(ATTACK,), spaces=arms, versions={ATTACK: ATTACK})}
    missing = (Problem(ATTACK, ATTACK),)
    said = {"verdicts": (ATTACK,), "remarks": (ATTACK,), "unreadable": missing}
    path = tmp_path / "report.html"
    path.write_text(page(report(runs, asked=asked, **said)), encoding="utf-8")
    opened = Opened(browser, path)
    mark = opened.tab.locator(".plot .scatterlayer .point").first
    mark.hover(force=True)
    opened.tab.wait_for_selector(".hoverlayer .hovertext")
    assert opened.tab.evaluate("typeof hacked") == "undefined"
    assert opened.tab.locator("img, b, svg a").count() == 0
    assert any("<script>hacked" in text for text in opened.tab.evaluate(STYLED_TEXTS))
    assert opened.complaints == []
    assert opened.requests == [opened.url]
    opened.tab.close()
