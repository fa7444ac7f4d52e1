//! A real browser without a window, driven over WebDriver.

use std::process::Command;

use serde_json::{Value, json};

use super::http;
use super::process::Process;
use super::site::Site;
use super::wait::eventually_or;

/// What keeps the browser from looking for servers of its maker's, and lets it run as root.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with one window, on the pages of one site.
pub struct Browser {
    _driver: Process,
    driver_port: u16,
    session: String,
    site_port: u16,
}

impl Browser {
    /// Starts it.
    #[track_caller]
    pub fn start(site: &Site) -> Browser {
        let found = Command::new("chromedriver").arg("--version").output();
        found.expect("chromedriver is missing: run tests/run --install");
        let mut command = site.program("chromedriver");
        let driver = Process::start(command.arg("--port=0"), site.path("chromedriver.log"));
        let port = || driver.said().split_once("successfully on port ")?.1.split('.').next()?.parse().ok();
        let driver_port = eventually_or("the browser's driver", port, || driver.said());
        let profile = format!("--user-data-dir={}", site.path("profile").display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
        let options = json!({ "args": arguments });
        let mut browser =
            Browser { _driver: driver, driver_port, session: String::new(), site_port: site.www_port };
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let made = browser.ask("POST", "/session", &wanted).expect("a session");
        browser.session = made["sessionId"].as_str().expect("a session's name").to_owned();
        browser
    }

    /// Goes to a page of the site.
    #[track_caller]
    pub fn go(&self, path: &str) {
        let url = format!("http://127.0.0.1:{}{path}", self.site_port);
        self.tell("/url", &json!({ "url": url }));
    }

    /// Presses what the selector finds.
    #[track_caller]
    pub fn press(&self, selector: &str) {
        let found = self.tell("/element", &json!({ "using": "css selector", "value": selector }));
        let element = found.as_object().and_then(|found| found.values().next()?.as_str());
        self.tell(&format!("/element/{}/click", element.expect("an element")), &json!({}));
    }

    /// What a script returns in the page.
    #[track_caller]
    pub fn script(&self, script: &str) -> Value {
        self.tell("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a script returns true in the page.
    #[track_caller]
    pub fn until(&self, script: &str) {
        let holds = || (self.script(script) == json!(true)).then_some(());
        eventually_or(script, holds, || self.script("return document.body.innerText").to_string());
    }

    /// Waits until the page shows this text.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        self.until(&format!("return document.body.innerText.includes({})", json!(text)));
    }

    /// Tells the browser itself something that pages can't, such as how large its screen is.
    #[track_caller]
    pub fn set(&self, command: &str, parameters: &Value) {
        self.tell("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    #[track_caller]
    fn tell(&self, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.ask("POST", &path, body).unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let answer = http::ask(self.driver_port, method, path, &body.to_string());
        let answer = answer.map_err(|error| error.to_string())?;
        let mut value: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
        if answer.status == 200 { Ok(value["value"].take()) } else { Err(answer.body) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // What stays is ended with the site.
        let _ = self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
    }
}
