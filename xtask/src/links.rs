//! Links between the repository's own pages.

use std::io;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::tree::{File, Tree};

/// Links and pictures in Markdown that lead to no file of the repository. Addresses elsewhere are not followed.
///
/// # Errors
/// When a page cannot be read.
pub fn broken_links(tree: &Tree) -> io::Result<Vec<String>> {
    let mut faults = Vec::new();
    for page in tree.written("md") {
        let text = page.text()?;
        for (event, span) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
            let (Event::Start(Tag::Link { dest_url, .. }) | Event::Start(Tag::Image { dest_url, .. })) =
                event
            else {
                continue;
            };
            let Some(target) = target_of(page, &dest_url) else { continue };
            if !target.is_empty() && !tree.has(&target) {
                let line = text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1;
                faults.push(format!(
                    "{}:{line}: the link to `{dest_url}` leads nowhere; there is no `{target}` in the repository",
                    page.path
                ));
            }
        }
    }
    Ok(faults)
}

/// The path from the root that a link means; none for an address elsewhere or a place on the same page.
fn target_of(page: &File, link: &str) -> Option<String> {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    let leads_elsewhere = path.contains("://") || path.starts_with("mailto:") || path.starts_with("//");
    if path.is_empty() || leads_elsewhere {
        return None;
    }
    let (mut steps, rest): (Vec<&str>, &str) = match path.strip_prefix('/') {
        Some(from_root) => (Vec::new(), from_root),
        None => (page.folder().split('/').filter(|step| !step.is_empty()).collect(), path),
    };
    for step in rest.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            name => steps.push(name),
        }
    }
    Some(steps.join("/"))
}
