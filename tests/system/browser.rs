//! The pages in a real browser: alive without being loaded again, in the light and in the dark, on a telephone.

use serde_json::json;

use crate::harness::{Browser, Build, Make, Site};
use crate::jobs::{WAITING, site_of};

#[test]
fn a_build_is_forced_watched_and_seen_to_end() {
    let site = site_of(WAITING);
    let _worker = Make::Real.start(&site, "w1", "sesame");
    let browser = Browser::start(&site);
    browser.go("/builders/b/force/force");
    browser.press("main form button");
    site.build_says(1, "begun");
    browser.go("/builders/b/builds/1");
    browser.shows("begun");
    assert_eq!(browser.script("return document.body.innerText.includes('let go')"), json!(false));
    // Were the page loaded again, this would be forgotten.
    browser.script("window.stayed = true");
    site.open("go");
    browser.until("return document.querySelector('#summary').innerText.toLowerCase().includes('success')");
    assert_eq!(browser.script("return window.stayed"), json!(true));
    site.build_ends(1, Build::SUCCESS);
    // The log that was read is still there, and has grown to its end.
    browser.script("document.querySelectorAll('#steps details').forEach(step => step.open = true)");
    browser.shows("let go");
}

#[test]
fn a_log_grows_on_the_page_while_its_step_runs() {
    let site = site_of(
        "      - {shell: 'echo be\\gun; @DIR@/wait-for @DIR@/more; echo mo\\re; @DIR@/wait-for @DIR@/go', name: wait}\n",
    );
    let _worker = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let browser = Browser::start(&site);
    browser.go("/builders/b/builds/1");
    browser.shows("begun");
    browser.script("window.stayed = true");
    site.open("more");
    browser
        .until("return [...document.querySelectorAll('pre.log')].some(log => /^more$/m.test(log.innerText))");
    assert_eq!(browser.script("return window.stayed"), json!(true));
    // And it is stopped from here.
    browser.press("#summary button.danger");
    site.build_ends(1, Build::CANCELLED);
}

/// Every kind of page.
const PAGES: [&str; 10] = [
    "/",
    "/builders",
    "/builders/b",
    "/builders/b/builds/1",
    "/builders/b/force/force",
    "/workers",
    "/workers/w1",
    "/changes",
    "/schedulers",
    "/requests",
];

fn site_with_a_build() -> (Site, crate::harness::Worker) {
    let site = site_of(WAITING);
    site.open("go");
    let worker = Make::Ours.start(&site, "w1", "sesame");
    site.force();
    site.build_ends(1, Build::SUCCESS);
    (site, worker)
}

#[test]
fn pages_are_dark_or_light_as_wished_and_can_be_read() {
    let (site, _worker) = site_with_a_build();
    let browser = Browser::start(&site);
    // How light the ground and the letters are, 0 to 255.
    let lightness = "const light = colour => { \
        const context = new OffscreenCanvas(1, 1).getContext('2d'); \
        context.fillStyle = colour; context.fillRect(0, 0, 1, 1); \
        const [r, g, b] = context.getImageData(0, 0, 1, 1).data; return (r + g + b) / 3; }; \
        const style = getComputedStyle(document.body), page = getComputedStyle(document.documentElement); \
        const ground = [style, page].map(one => one.backgroundColor).find(one => one !== 'rgba(0, 0, 0, 0)'); \
        return [light(ground), light(style.color)]";
    for (scheme, dark) in [("light", false), ("dark", true)] {
        let wished = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.set("Emulation.setEmulatedMedia", &wished);
        for page in PAGES {
            browser.go(page);
            let seen = browser.script(lightness);
            let (ground, letters) = (seen[0].as_f64().expect("a ground"), seen[1].as_f64().expect("letters"));
            assert_eq!(ground < 128.0, dark, "{page}, {scheme}: the ground is {ground}");
            assert!((ground - letters).abs() > 110.0, "{page}, {scheme}: letters {letters} on {ground}");
        }
    }
}

#[test]
fn pages_fit_on_a_telephone() {
    let (site, _worker) = site_with_a_build();
    let browser = Browser::start(&site);
    let screen = json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true });
    browser.set("Emulation.setDeviceMetricsOverride", &screen);
    for page in PAGES {
        browser.go(page);
        let width = browser.script("return document.documentElement.scrollWidth");
        assert!(width.as_i64().is_some_and(|width| width <= 390), "{page} is {width} wide");
    }
}
