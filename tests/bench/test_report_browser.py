"""The report of a bench in a browser: widths, keys, dark screens and paper."""

import shutil

import pytest
from simulated_bench import whole_bench

from mmseg_ganaug.bench.bench_report import report_html

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'google-chrome'))), None)
playwright = pytest.importorskip('playwright.sync_api')
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason='there is no Chromium'),
]
WIDTHS = (1280, 390)


@pytest.fixture(scope='module')
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp('bench')
    effects = {'plain': 0, 'class-weights-sqrt': 0.8, 'real-pixels': 1.5}
    bench = whole_bench(folder, effects)
    # Long names have to wrap.
    bench['photos'][0]['file'] = 'a_long_name_without_a_space' * 4
    bench['treatments'][1]['title'] = 'Rose-windowed ' * 6
    path = folder / 'report.html'
    path.write_text(report_html(bench, folder), encoding='utf-8')
    return path.as_uri()


@pytest.fixture(scope='module')
def browser():
    with playwright.sync_playwright() as found:
        browser = found.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox'], timeout=60_000
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, report):
    contexts = []

    def opened(width=1280, **options):
        context = browser.new_context(
            viewport={'width': width, 'height': 800}, offline=True, **options
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.faults, page.asked = [], []
        page.on('console', lambda line: page.faults.append(line.text))
        page.on('pageerror', lambda error: page.faults.append(str(error)))
        page.on('request', lambda request: page.asked.append(request.url))
        page.goto(report)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize('width', WIDTHS)
def test_nothing_is_wider_than_the_screen_and_nothing_is_loaded(open_page, width):
    page = open_page(width)
    for details in page.query_selector_all('summary'):
        details.click()
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    wide = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(
            e => !e.closest('.scroll, svg, thead') &&
                 e.getBoundingClientRect().right > window.innerWidth + 1
        ).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert page.faults == []
    assert [url for url in page.asked if not url.startswith(('data:', 'file:'))] == []
    # All pictures are there, as they are stated.
    sizes = page.evaluate(
        """() => [...document.images].map(i => [i.naturalWidth, +i.getAttribute(
            'width')])"""
    )
    assert len(sizes) == 18 and all(real == stated > 0 for real, stated in sizes)


@pytest.mark.parametrize('width', WIDTHS)
def test_the_verdict_and_its_command_are_seen_without_scrolling(open_page, width):
    page = open_page(width)
    for selector in ('.sentence', '.verdict code'):
        box = page.locator(selector).first.bounding_box()
        assert box['y'] + box['height'] < 800


def test_it_is_walked_by_keys(open_page):
    page = open_page()
    page.keyboard.press('Tab')
    skip = page.locator('.skip')
    assert skip.evaluate('e => e === document.activeElement')
    assert skip.bounding_box()['x'] >= 0
    page.keyboard.press('Enter')
    assert page.evaluate('document.activeElement.id') == 'main'
    page.keyboard.press('Tab')
    while page.evaluate('document.activeElement.tagName') != 'SUMMARY':
        page.keyboard.press('Tab')
    outline = 'getComputedStyle(document.activeElement).outlineStyle'
    assert page.evaluate(outline) != 'none'
    page.keyboard.press('Enter')
    assert page.locator('details').first.evaluate('e => e.open')


def test_links_lead_to_their_sections(open_page):
    page = open_page(390)
    for link in page.query_selector_all('nav a'):
        target = link.get_attribute('href')
        link.click()
        box = page.locator(target).bounding_box()
        # Below the bar, not behind it; the last ones cannot come to the top.
        assert 30 <= box['y'] < 800, target


def test_dark_screens_get_a_dark_page(open_page):
    colour = 'getComputedStyle(document.body).backgroundColor'
    light, dark = (
        open_page(color_scheme=scheme).evaluate(colour) for scheme in ('light', 'dark')
    )
    assert light == 'rgb(255, 255, 255)'
    assert max(map(int, dark[4:-1].split(','))) < 50


def test_on_paper_everything_is_open_and_light(open_page):
    page = open_page(720, color_scheme='dark')
    page.emulate_media(media='print', color_scheme='dark')
    assert not page.locator('nav').is_visible()
    colour = page.evaluate('getComputedStyle(document.body).backgroundColor')
    assert colour == 'rgb(255, 255, 255)'
    inner = page.locator('details table').first.bounding_box()
    assert inner and inner['height'] > 50
    assert page.evaluate('document.documentElement.scrollWidth') <= 720
    assert len(page.pdf()) > 10_000


@pytest.mark.parametrize('width', WIDTHS)
def test_figures_stand_where_their_intervals_are(open_page, width):
    page = open_page(width)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('.forest')].map(f => ['.zero',
            'line.rare', 'circle.rare'].map(s => {
                const b = f.querySelector(s).getBoundingClientRect();
                return [b.left, b.right]; }))"""
    )
    assert len(boxes) == 2
    for zero, interval, dot in boxes:
        middle = sum(dot) / 2
        assert interval[0] < middle < interval[1]
        assert zero[0] < middle
    assert boxes[0][0] == pytest.approx(boxes[1][0], abs=0.5)
