#!/usr/bin/python3
"""Opens a page of ours in a real browser and uses it: browser_checks.py probe|compare|viewer|overlay|tokens|paper|review FILE.html

Ends with exit code 1 and says what is not as it must be.
"""
import sys

from browser import Browser, Page


def expect(what, actual, wanted):
    if actual != wanted:
        raise AssertionError(f"{what}: {actual!r} instead of {wanted!r}")


def expect_true(what, condition):
    if not condition:
        raise AssertionError(what)


def expect_quiet(page):
    """Nothing was loaded but the page itself, and nothing went wrong in it."""
    page.value("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    expect("what the page loads", [url for url in page.requests if not url.startswith("data:")], [page.url])
    expect("errors of the page", page.problems, [])


def mark_table(page):
    """The questions' table is the last one that sorts."""
    page.value("[...document.querySelectorAll('section.rows table')].at(-1).id = 'checked'")


def table(page, expression):
    return page.value(f"(table => {expression})(document.getElementById('checked'))")


# `column` counts from 0.
def numbers(page, column):
    return table(page, f"[...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[{column}].dataset.v)"
                       ".filter(text => text !== '').map(Number)")


def head_of(page, title):
    column = table(page, f"[...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.trim() === '{title}')")
    expect_true(f"there is a column {title}", column >= 0)
    return column, f"#checked thead th:nth-child({column + 1}) button"


def sort_state(page, column):
    return table(page, f"table.tHead.rows[0].cells[{column}].getAttribute('aria-sort')")


def check_sorting(page, title):
    column, button = head_of(page, title)
    before = numbers(page, column)
    expect_true("the list is not sorted at first", before != sorted(before) and len(before) > 5)
    page.click(button)
    expect(f"{title} ascending", numbers(page, column), sorted(before))
    expect("aria-sort", sort_state(page, column), "ascending")
    page.click(button)
    expect(f"{title} descending", numbers(page, column), sorted(before, reverse=True))
    expect("aria-sort", sort_state(page, column), "descending")
    others = table(page, "[...table.tHead.rows[0].cells].filter(cell => /cending/.test(cell.ariaSort)).length")
    expect("columns marked as sorted", others, 1)


def check_sorting_by_keyboard(page, title):
    """With Tab from the button before, and Enter."""
    column, button = head_of(page, title)
    table(page, f"table.tHead.rows[0].cells[{column - 1}].querySelector('button').focus()")
    page.press("Tab")
    expect_true(f"Tab reaches {title}", page.value(f"document.activeElement === document.querySelector({button!r})"))
    expect_true("focus is visible", page.value("getComputedStyle(document.activeElement).outlineStyle === 'solid'"))
    page.press("Enter")
    expect(f"{title} by Enter", numbers(page, column), sorted(numbers(page, column)))
    expect("aria-sort by Enter", sort_state(page, column), "ascending")


def check_filters(page):
    shown = "[...document.querySelectorAll('#checked tbody tr:not(.panel)')].filter(row => row.offsetHeight > 0)"
    column, _ = head_of(page, "yes")
    all_rows = page.value(f"{shown}.length")
    page.value("document.querySelector('input[type=search]').focus()")
    for letter in "bones":
        page.press(letter)
    some = page.value(f"{shown}.map(row => row.cells[1].textContent)")
    expect("categories that the filter leaves", sorted(set(some)), ["Bones"])
    expect_true("the filter hides rows", 0 < len(some) < all_rows)
    expect_true("the count says so", page.value("document.querySelector('.shown').textContent").startswith(f"{len(some)} of {all_rows} "))
    page.value("document.querySelector('input[type=search]').value = ''")
    page.value("document.querySelector('input[type=range]').focus()")
    for _ in range(3):
        page.press("ArrowRight")
    least = int(page.value("document.querySelector('.least').textContent"))
    left = page.value(f"{shown}.map(row => Number(row.cells[{column}].dataset.v))")
    expect_true("the slider hides questions of few positives", least > 0 and 0 < len(left) < all_rows and min(left) == least)
    page.press("Home")
    expect("rows after Home", page.value(f"{shown}.length"), all_rows)


def check_closer_look(page):
    link = "#checked tbody tr:nth-child(2) a"
    page.click(link)
    expect("plots below the row", page.value("document.querySelectorAll('#checked .panel svg.line-plot').length"), 2)
    expect("aria-expanded", page.value(f"document.querySelector('{link}').ariaExpanded"), "true")
    expect_true("the plots are drawn", page.value("document.querySelector('#checked .panel svg').getBoundingClientRect().height > 150"))
    row = page.value("document.querySelector('#checked .panel').previousElementSibling.cells[0].textContent")
    page.click(head_of(page, "AP")[1])
    expect("the plots follow their row", page.value("document.querySelector('#checked .panel').previousElementSibling.cells[0].textContent"), row)
    page.value("document.querySelector('#checked a[aria-expanded=true]').focus()")
    page.press("Enter")
    expect("plots after Enter", page.value("document.querySelectorAll('#checked .panel').length"), 0)


def check_probe(browser, file):
    page = Page(browser)
    page.open(file)
    mark_table(page)
    check_sorting(page, "AUROC")
    check_sorting_by_keyboard(page, "no")
    check_closer_look(page)
    check_filters(page)
    expect_true("no text became markup", page.value("document.querySelectorAll('#checked b, #checked script').length === 0"))
    expect_quiet(page)


def check_compare(browser, file):
    page = Page(browser)
    page.open(file)
    mark_table(page)
    check_sorting(page, "difference")
    check_sorting_by_keyboard(page, "baseline")
    check_filters(page)
    expect_quiet(page)


def check_viewer(browser, file):
    page = Page(browser)
    page.open(file)
    page.wait_for("document.querySelectorAll('figure canvas').length === 3")
    page.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    picture = "document.querySelector('figure canvas').toDataURL()"
    at, first = page.value("document.querySelector('figure .slice').textContent"), page.value(picture)
    page.value("document.querySelector('figure input[type=range]').focus()")
    for _ in range(3):
        page.press("ArrowRight")
    page.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect_true("the slider moves to another slice", page.value("document.querySelector('figure .slice').textContent") != at)
    expect_true("another slice is another picture", page.value(picture) != first)
    expect_quiet(page)


def coloured_pixels(page):
    """Of the first picture without the crosshair's lines: pixels that are no grey."""
    page.value("document.getElementById('crosshair').checked && document.getElementById('crosshair').click()")
    page.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.value("(shown => { const copy = new OffscreenCanvas(shown.width, shown.height).getContext('2d');"
                      " copy.drawImage(shown, 0, 0); const bytes = copy.getImageData(0, 0, shown.width, shown.height).data;"
                      " let count = 0; for (let i = 0; i < bytes.length; i += 4) count += bytes[i] > bytes[i + 2] + 40;"
                      " return count; })(document.querySelector('figure canvas'))")


def check_overlay(browser, file):
    """The file's overlay lies on the middle slice of the first plane."""
    page = Page(browser)
    page.open(file)
    page.wait_for("document.querySelectorAll('figure canvas').length === 3")
    with_overlay = coloured_pixels(page)
    expect_true("the overlay is coloured", with_overlay > 100)
    expect_true("the value under the crosshair says how much", page.value("document.getElementById('readout').textContent").endswith("attention 100 % of its maximum"))
    page.value("document.getElementById('opacity').focus()")
    page.press("Home")
    expect("coloured pixels at opacity 0", coloured_pixels(page), 0)
    page.press("End")
    expect("coloured pixels at opacity 1", coloured_pixels(page) >= with_overlay, True)
    expect_quiet(page)


def check_tokens(browser, file):
    """The finest scale has one token above 0 and a place in it; the coarsest has none."""
    page = Page(browser)
    page.open(file)
    page.wait_for("document.querySelectorAll('figure canvas').length === 3")
    expect_true("the token is coloured", coloured_pixels(page) > 100)
    expect("the crosshair is at the strongest place", page.value("state.at.join()"), "17,14,12")
    expect_true("the value under the crosshair says how much", page.value("document.getElementById('readout').textContent").endswith("100 % of the largest"))
    page.value("(scale => { scale.value = '1'; scale.dispatchEvent(new Event('change')); })(document.getElementById('scale'))")
    expect("coloured pixels of the coarsest scale", coloured_pixels(page), 0)
    page.value("document.getElementById('places').firstElementChild.click()")
    expect("a place's button moves there", page.value("state.at.join()"), "17,14,12")
    expect_quiet(page)


def check_paper(browser, file):
    """Printed, and without JavaScript, everything is there and nothing that wants a click."""
    page = Page(browser, print_media=True)
    page.open(file)
    page.value("dispatchEvent(new Event('beforeprint'))")
    expect_true("controls are not printed", page.value("document.querySelector('.controls').offsetHeight === 0"))
    expect_true("every question is printed closer",
                page.value("[...document.querySelectorAll('.list svg')].every(plot => plot.getBoundingClientRect().height > 100)"))
    expect_quiet(page)
    plain = Page(browser, script=False)
    plain.open(file, "#q1")
    expect_true("without JavaScript a link opens the question",
                plain.value("document.getElementById('q1').checkVisibility({ contentVisibilityAuto: true })"))
    expect_true("without JavaScript there are no controls", plain.value("document.querySelector('.controls').offsetHeight === 0"))
    expect("errors without JavaScript", plain.problems, [])


def shown(page, place):
    return page.value(f"document.getElementById({place!r}).textContent")


def saved_answers(page):
    """What the button saves, without the heading; the name of the file."""
    page.value("URL.createObjectURL = blob => { window.saved = blob.text(); return '#'; }")
    page.value("HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; }")
    page.click("#save")
    return page.value("window.saved").splitlines()[1:], page.value("window.savedAs")


def load_answers(page, lines):
    text = "\\n".join(["query_id,field,answer", *lines])
    page.value(f"(() => {{ const files = new DataTransfer(); files.items.add(new File(['{text}'], 'review-B.csv'));"
               " const input = document.getElementById('load'); input.files = files.files;"
               " input.dispatchEvent(new Event('change')); })()")
    page.wait_for("document.getElementById('state').textContent.includes('review-B.csv')")


def check_review(browser, file):
    """Three items: two questions, the first with evidence, and a text."""
    page = Page(browser)
    page.open(file)
    expect("the first item", shown(page, "question"), "Is there a <nodule>?")
    expect("what is marked", page.value("[...document.querySelectorAll('#report mark')].map(mark => mark.textContent)"), ["a\nnodule"])
    expect_true("the label is hidden at first", not page.value("document.getElementById('label').checkVisibility()"))
    expect_true("nothing to judge beside a question", page.value("document.getElementById('judged').hidden"))
    page.press("y")
    expect("the next item", shown(page, "question"), "Is there a stone?")
    page.press("n")
    expect("a text to judge", shown(page, "text"), "A nodule.")
    page.press("z")
    expect("undo goes back", shown(page, "question"), "Is there a stone?")
    page.press("u")
    page.press("n")
    expect("progress", page.value("document.getElementById('progress').value"), 3)
    expect_quiet(page)
    page.value("document.getElementById('reviewer').value = 'Anna B.'")
    lines, name = saved_answers(page)
    expect("what is saved", lines, ["Q0001,human_label,yes", "Q0002,human_label,unsure", "C0001,correct,no"])
    expect("saved as", name, "review-Anna-B-.csv")
    load_answers(page, ["Q0001,human_label,no", "Q9999,human_label,yes", "Q0002,human_label,perhaps"])
    expect("what is loaded", saved_answers(page)[0], ["Q0001,human_label,no", "Q0002,human_label,unsure", "C0001,correct,no"])


def main():
    kind, file = sys.argv[1:]
    with Browser() as browser:
        {"probe": check_probe, "compare": check_compare, "viewer": check_viewer, "overlay": check_overlay, "tokens": check_tokens,
         "paper": check_paper, "review": check_review}[kind](browser, file)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, RuntimeError, OSError, EOFError) as error:
        sys.exit(f"{sys.argv[1]} page: {error}")
