//! Pages load nothing from outside: a server in a cellar without a way out draws them whole.

use std::io;

use crate::tree::Tree;

/// How a stylesheet, a page or a script makes a browser fetch something.
const FETCHES: [&str; 8] =
    ["src=", "srcset=", "@import", "url(", "<link", "import(", "fetch(", "new Worker("];

/// Lines of the server's own assets that would fetch from another host.
///
/// # Errors
/// When a file cannot be read.
pub fn outside_addresses(tree: &Tree) -> io::Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in ["css", "html", "js", "svg"].into_iter().flat_map(|extension| tree.written(extension)) {
        for (number, line) in file.text()?.lines().enumerate() {
            let names_a_host = line.contains("://") || line.contains("\"//") || line.contains("'//");
            if names_a_host && FETCHES.iter().any(|fetch| line.contains(fetch)) {
                faults.push(format!(
                    "{}:{}: loads from another host; keep the file in the repository and name it by its path",
                    file.path,
                    number + 1
                ));
            }
        }
    }
    Ok(faults)
}
