//! What people read and do.

use crate::client::{form, get, post, sample, send};
use bellwether::status::web::actions::Refused;

#[test]
fn every_page_is_there_and_is_whole_without_scripts() {
    let (site, _folder) = sample();
    for (path, wanted) in [
        ("/", "Recently finished"),
        ("/builders", "package-rpm"),
        ("/builders?search=PACK&tag=release", "package-deb"),
        ("/builders/unit-tests", "All unit tests, with coverage"),
        ("/builders/unit-tests/builds/8", "failed test"),
        ("/builders/unit-tests/builds/8", "Waited 2 s for its locks."),
        ("/builders/unit-tests/builds/8", "href=\"https://reports.example.org/a&amp;b\">coverage</a>"),
        ("/builders/unit-tests/builds/8", "odd: <code class=\"break\">javascript:alert(1)</code>"),
        ("/", " left</span>"),
        ("/builders", " left</span>"),
        ("/builders/integration", " left</span>"),
        ("/builders/integration/builds/7", " left</span>"),
        ("/builders/unit-tests/builds/8/steps/test/logs/stdio", "make: warning: clock skew detected"),
        ("/builders/unit-tests/builds/8/steps/3/logs/stdio", "make: warning: clock skew detected"),
        (
            "/builders/unit-tests/builds/8/steps/test/logs/stdio/search?q=clock+skew",
            "<mark>clock skew</mark>",
        ),
        ("/builders/unit-tests/builds/8/steps/test/logs/stdio/search?q=(&regex=on", "unclosed group"),
        ("/builders/unit-tests/force/force", "Optimisation"),
        ("/requests", "no worker of the builder is connected: windows-11"),
        ("/requests/57", "package-rpm"),
        ("/workers", "not connected"),
        ("/workers/macos-15", "Let it build again"),
        ("/changes", "Bump the tide tables to 2027"),
        ("/changes/5", "branch &quot;main&quot; does not match feature/.*"),
        ("/schedulers", "once no other has come for 30 s"),
        ("/schedulers/force/force", "checkbox"),
        ("/explain/request/57", "What would move it on: the end of fuzz/8."),
        ("/explain/change/5", "scheduler topic branches left it"),
        ("/explain/builder/windows", "worker windows-11: not connected"),
        ("/explain/worker/macos-15", "paused: the disk is full"),
        ("/explain/build/unit-tests/8", "in buildset"),
        ("/about", "Bellwether"),
        ("/robots.txt", "Disallow: /api/"),
    ] {
        let answer = get(&site, path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains(wanted), "{path} lacks {wanted:?}:\n{}", answer.body);
        assert!(answer.header("content-security-policy").is_some_and(|policy| !policy.contains("unsafe")));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(!answer.body.contains(" style=") && !answer.body.contains(" onclick="), "{path}: inline");
    }
}

#[test]
fn what_is_not_there_is_said_with_its_place() {
    let (site, _folder) = sample();
    for (path, status, wanted) in [
        ("/nothing", 404, "There is nothing at this address."),
        ("/builders/none", 404, "There is no builder &quot;none&quot;."),
        ("/builders/unit-tests/builds/999", 404, "There is no build 999 of builder"),
        ("/builders/unit-tests/builds/x", 400, "Cannot parse"),
        ("/changes/99", 404, "There is no change 99."),
        ("/explain/change/99", 404, "There is no change 99."),
        ("/explain/step/1", 404, "a step cannot be explained"),
        ("/explain/worker/none", 404, "There is no worker none."),
        ("/requests/1/cancel", 405, "This address does not take GET."),
        ("/workers/%3Cscript%3E", 404, "There is no worker &quot;&lt;script&gt;&quot;."),
    ] {
        let answer = get(&site, path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains(wanted), "{path} lacks {wanted:?}:\n{}", answer.body);
    }
    let moved = get(&site, "/builders/");
    assert_eq!((moved.status, moved.header("location")), (308, Some("/builders")));
    assert_eq!(get(&site, "//evil.example.org/").status, 404);
}

#[test]
fn what_people_and_programs_write_is_never_markup() {
    let (site, _folder) = sample();
    let page = get(&site, "/changes/5").body;
    assert!(page.contains("Use &lt;vector&gt; &amp; drop"), "{page}");
    let log = get(&site, "/builders/unit-tests/builds/8/steps/test/logs/stdio").body;
    assert!(log.contains("expected &lt;taut&gt; &amp; got &quot;slack&quot;"), "{log}");
    assert!(log.contains("<span class=\"f1 b\">not ok</span>"), "{log}");
}

#[test]
fn a_log_is_read_in_parts_and_as_a_whole() {
    let (site, _folder) = sample();
    let log = "/builders/unit-tests/builds/8/steps/test/logs/stdio";
    let more = get(&site, &format!("{log}/lines?from=211"));
    assert_eq!(more.header("x-next-line"), Some("213"));
    assert_eq!(more.header("x-more"), Some("no"));
    assert!(more.body.starts_with("<span class=\"l\" id=\"L212\">"), "{}", more.body);
    let tail = get(&site, &format!("{log}/tail")).body;
    assert!(tail.contains("?line=213#L213") && !tail.contains("id=\"L213\""), "{tail}");
    let text = get(&site, &format!("{log}/text"));
    assert_eq!(text.body.lines().count(), 211, "without the two header lines");
    let raw = get(&site, &format!("{log}/raw"));
    assert!(raw.body.starts_with("make test\n in dir /srv/worker/build"), "{}", raw.body);
    let wanted = "attachment; filename=\"unit-tests-8-test-stdio.txt\"";
    assert_eq!(raw.header("content-disposition"), Some(wanted));
}

#[test]
fn a_worker_that_is_away_or_held_back_tells_what_is_known_of_it() {
    let (site, _folder) = sample();
    let page = get(&site, "/workers/macos-15").body;
    for text in [
        "It is paused: the disk is full",
        "C.UTF-8",
        "macOS 15.6, M2 mini",
        "Let it build again",
        "Shut down now",
    ] {
        assert!(page.contains(text), "{text}:\n{page}");
    }
    assert!(!page.contains("/workers/macos-15/pause"), "{page}");
    let page = get(&site, "/workers/fedora-43").body;
    assert!(page.contains("name=\"reason\"") && page.contains("workers/fedora-43/pause"), "{page}");
}

#[test]
fn buttons_reach_the_rooms_below() {
    let (site, _folder) = sample();
    for (path, body, asked, leads_to) in [
        (
            "/builders/fuzz/builds/8/stop",
            "reason=wrong+branch",
            "stop 56 by anonymous for \"wrong branch\"",
            "../../../../builders/fuzz/builds/8",
        ),
        (
            "/builders/unit-tests/builds/8/rebuild",
            "",
            "rebuild 47 by anonymous",
            "../../../../builders/unit-tests/builds/1",
        ),
        ("/requests/57/cancel", "", "cancel 57 by anonymous for \"\"", "../../requests/57"),
        ("/workers/macos-15/unpause", "", "steer macos-15: Unpause", "../../workers/macos-15"),
        (
            "/workers/fedora-43/pause",
            "reason=it+smokes",
            "steer fedora-43: Pause(\"it smokes\")",
            "../../workers/fedora-43",
        ),
        ("/workers/fedora-43/kill", "", "steer fedora-43: Kill", "../../workers/fedora-43"),
        ("/workers/fedora-43/shutdown", "", "steer fedora-43: Leave", "../../workers/fedora-43"),
        (
            "/builders/lint/force/force",
            "reason=why%3F&clean=true",
            "force force [\"lint\"] by \"\" with {\"clean\": String(\"true\"), \"reason\": String(\"why?\")}",
            "../../../builders/unit-tests/builds/1",
        ),
    ] {
        let answer = form(&site, path, body);
        assert_eq!((answer.status, answer.header("location")), (303, Some(leads_to)), "{path}");
        assert_eq!(site.rooms.asked.lock().unwrap().pop().as_deref(), Some(asked), "{path}");
    }
}

#[test]
fn a_form_that_is_refused_comes_back_as_it_was_filled_in() {
    let (site, _folder) = sample();
    let wrong = [("jobs".to_owned(), "must be a number".to_owned())];
    *site.rooms.refusal.lock().unwrap() = Some(Refused::Fields(wrong.into()));
    let answer = form(&site, "/builders/lint/force/force", "reason=%3Cb%3E&jobs=many&optimise=-O3");
    assert_eq!(answer.status, 400);
    for wanted in ["must be a number", "value=\"&lt;b&gt;\"", "value=\"many\"", "<option selected>-O3"] {
        assert!(answer.body.contains(wanted), "lacks {wanted:?}:\n{}", answer.body);
    }
}

#[test]
fn only_pages_of_this_server_can_push_buttons() {
    let (site, _folder) = sample();
    let kind = "application/x-www-form-urlencoded";
    for headers in [
        "origin: http://evil.example.org\r\n",
        "origin: null\r\n",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
    ] {
        assert_eq!(post(&site, "/requests/57/cancel", kind, headers, "").status, 403, "{headers}");
    }
    // A name that somebody else made to lead here.
    let rebound = "POST /requests/57/cancel HTTP/1.1\r\nhost: evil.example.org\r\nconnection: close\r\n\
                   origin: http://evil.example.org\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                   content-length: 0\r\n\r\n";
    assert_eq!(send(&site, rebound).status, 403);
    assert!(site.rooms.asked.lock().unwrap().is_empty());
}

#[test]
fn what_is_too_large_is_refused() {
    let (site, _folder) = sample();
    let body = format!("reason={}", "x".repeat(300 << 10));
    assert_eq!(form(&site, "/builders/lint/force/force", &body).status, 413);
    let path = "x".repeat(40 << 10);
    let refused = get(&site, &format!("/{path}")).status;
    assert!(refused == 414 || refused == 431, "{refused}");
    assert!(site.rooms.asked.lock().unwrap().is_empty());
}

#[test]
fn a_scraper_gets_the_figures() {
    let (site, _folder) = sample();
    let answer = get(&site, "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(answer.body.contains("bellwether_pages_looked_at_total 3\n"), "{}", answer.body);
}
