//! axe-core, which knows what shuts readers out of a page.
use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Browser;

/// All that WCAG 2.2 asks for on its first two levels, and what its authors think is good practice.
const STANDARDS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/// Between light and dark only these can differ.
const OF_COLOURS: [&str; 2] = ["color-contrast", "link-in-text-block"];
/// Runs axe, and answers a line for each element that breaks a rule.
const JUDGE: &str = r"
    const done = arguments[1];
    if (!window.axe) return done(['axe is not there']);
    const options = { runOnly: arguments[0], resultTypes: ['violations'], iframes: false };
    window.axe.run(document, options).then(
        found => done(found.violations.flatMap(rule => rule.nodes.map(node => {
            const why = [...node.any, ...node.all, ...node.none].map(check => check.message).join(' ');
            return `${rule.id}: ${rule.help}: ${node.target.join(' ')} (${why})`;
        }))),
        fault => done(['axe failed: ' + fault]));";

/// Makes axe ready in each page that the browser opens from now on.
pub async fn sit_beside(browser: &Browser) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(&file).expect("axe-core is there: `./dev test` installs it");
    browser.run_in_each_page(&axe).await;
    // The inbox lets no script run in a mail, and so none of axe's.
    browser.bypass_policies().await;
}

/// Everything that is wrong with the page as it is now, in light and in dark.
pub async fn judge(browser: &Browser) -> Vec<String> {
    browser.set_dark(true).await;
    let mut faults = verdict(browser, json!({ "type": "rule", "values": OF_COLOURS })).await;
    for fault in &mut faults {
        fault.insert_str(0, "dark: ");
    }
    browser.set_dark(false).await;
    faults.extend(verdict(browser, json!({ "type": "tag", "values": STANDARDS })).await);
    faults
}

async fn verdict(browser: &Browser, rules: Value) -> Vec<String> {
    let answer = browser.client.execute_async(JUDGE, vec![rules]).await.unwrap();
    answer.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}
