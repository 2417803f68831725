//! The page at `/`: what runs here, and what to do next.
//!
//! It works without JavaScript, loads nothing but the stylesheet and the mark, and reads well on a phone.

use std::time::Duration;

use maud::{DOCTYPE, Markup, html};

use crate::acting_as::ActingAs;

/// What the home page shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HomeView {
    /// The server's version, such as `0.1.0`.
    pub(crate) version: String,
    /// The address by which the visitor reached the server, without a slash at its end: `http://127.0.0.1:8080`.
    pub(crate) address: String,
    /// The name of the organization that a request without further ado belongs to.
    pub(crate) organization: String,
    /// How long the server has been up.
    pub(crate) uptime: Duration,
    /// As whom the visitor acts, when that is not themselves.
    pub(crate) acting_as: Option<ActingAs>,
    /// Every plugin that was found, in the order in which they are shown.
    pub(crate) plugins: Vec<PluginLine>,
}

/// One plugin on the home page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PluginLine {
    /// The plugin's id: `highlight_detector`.
    pub(crate) id: String,
    /// Its name for people.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The shelf that it is listed on: `media`.
    pub(crate) category: String,
    /// Its state in a word or two: `running`, `switched off`, `failed`.
    pub(crate) state: String,
    /// What that state means for the visitor.
    pub(crate) state_kind: StateKind,
    /// What it does, in a sentence or two.
    pub(crate) description: String,
    /// Why it does not run, in a sentence, where it does not.
    pub(crate) reason: Option<String>,
    /// What it contributes and how many of each: `("routes", 11)`. Nothing of a kind is left out.
    pub(crate) contributions: Vec<(String, usize)>,
}

/// What a state means for the person who looks at it; it picks the colour and the shape of the lamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateKind {
    /// It does what it is there for.
    Good,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work.
    Bad,
    /// It is off because somebody wanted it so.
    Muted,
}

impl StateKind {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Muted => "muted",
        }
    }
}

/// The home page, whole.
#[must_use]
pub(crate) fn home(view: &HomeView) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { "Switchboard" }
                link rel="icon" href="/assets/mark.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/switchboard.css";
            }
            body.page {
                a.skip href="#main" { "Skip to content" }
                @if let Some(acting_as) = &view.acting_as { (acting_as.bar()) }
                (masthead(view))
                main #main {
                    (welcome(view))
                    (plugins(&view.plugins))
                    (next_steps(view))
                    (for_machines())
                }
                footer.colophon {
                    p { "Switchboard " (view.version) }
                    p { "Every feature is a plugin." }
                }
            }
        }
    }
}

fn masthead(view: &HomeView) -> Markup {
    html! {
        header.masthead {
            a.brand href="/" { (mark()) span { "Switchboard" } }
            nav aria-label="Main" {
                a href="/api/docs" { "API reference" }
                a href="/readyz" { "Health" }
            }
            span.version { "v" (view.version) }
        }
    }
}

fn welcome(view: &HomeView) -> Markup {
    html! {
        section.welcome {
            div {
                h1 { (headline(&view.plugins)) }
                p.lede {
                    "Switchboard is an application server whose every feature is a plugin. "
                    "Each organization switches plugins on for itself; this page shows what is plugged in here."
                }
                p.actions {
                    a.button.primary href="/api/docs" { "Open the API reference" }
                    a.button href="#next" { "First steps" }
                }
                dl.facts {
                    div { dt { "Address" } dd { (view.address) } }
                    div { dt { "Organization" } dd { (view.organization) } }
                    div { dt { "Up for" } dd { (in_words(view.uptime)) } }
                }
            }
            (board(&view.plugins))
        }
    }
}

/// What the visitor wants to know first, in a sentence.
fn headline(plugins: &[PluginLine]) -> String {
    let of = |kind| plugins.iter().filter(|plugin| plugin.state_kind == kind).count();
    match (of(StateKind::Bad), of(StateKind::Warning)) {
        _ if plugins.is_empty() => "Up, with nothing plugged in yet.".to_owned(),
        (0, 0) => "Everything is up and running.".to_owned(),
        (0, 1) => "Running, and one plugin wants a look.".to_owned(),
        (0, wanting) => format!("Running, and {wanting} plugins want a look."),
        (1, _) => "Running, with one plugin down.".to_owned(),
        (down, _) => format!("Running, with {down} plugins down."),
    }
}

fn plugins(plugins: &[PluginLine]) -> Markup {
    let running = plugins.iter().filter(|plugin| plugin.state_kind == StateKind::Good).count();
    html! {
        section.block aria-labelledby="plugins" {
            div.heading {
                h2 #plugins { "Plugins" }
                @if !plugins.is_empty() { p { (running) " of " (plugins.len()) " running" } }
            }
            @if plugins.is_empty() {
                div.empty {
                    p { "No plugin was found." }
                    p { "Put a plugin's folder into " code { "plugins/" } " of the data folder and start the server again." }
                }
            } @else {
                ul.plugins {
                    @for plugin in plugins { (plugin_line(plugin)) }
                }
            }
        }
    }
}

fn plugin_line(plugin: &PluginLine) -> Markup {
    html! {
        li.plugin.(plugin.state_kind.class()) {
            div.identity {
                h3 { (plugin.name) }
                p.detail { code { (plugin.id) } " " span { (plugin.version) } " " span { (plugin.category) } }
            }
            p.state.(plugin.state_kind.class()) { span.lamp {} (plugin.state) }
            p.about { (plugin.description) }
            @if let Some(reason) = &plugin.reason {
                p.reason { (reason) }
            }
            @if !plugin.contributions.is_empty() {
                ul.contributions aria-label="Contributes" {
                    @for (label, count) in &plugin.contributions {
                        li { b { (count) } " " (label) }
                    }
                }
            }
        }
    }
}

fn next_steps(view: &HomeView) -> Markup {
    html! {
        section.block aria-labelledby="next" {
            div.heading {
                h2 #next { "First steps" }
                p { "A click on a command selects all of it" }
            }
            ol.steps {
                li {
                    div {
                        h3 { "Read and try the API" }
                        p {
                            "The reference is made from what is loaded, and sends requests from your browser. Give it the "
                            "token that the server printed at its first start; "
                            code { "switchboard token create" } " makes another."
                        }
                    }
                    p.aside { a.button href="/api/docs" { "Open the API reference" } }
                }
                li {
                    div {
                        h3 { "Make a first call" }
                        p {
                            "With the token in the variable " code { "SWITCHBOARD_TOKEN" } ", this lists every plugin, and says why "
                            "one does not run."
                        }
                    }
                    pre.command tabindex="0" aria-label="Command that makes a first call" {
                        code { (first_call(&view.address)) }
                    }
                }
                @if view.plugins.iter().any(is_the_clip_library) {
                    li {
                        div {
                            h3 { "Upload a clip" }
                            p {
                                "The answer carries what the plugins heard in it: when it gets loud, for how long, and how sure "
                                "they are. MP4, MKV, MP3, FLAC, Ogg and WAV are understood."
                            }
                        }
                        pre.command tabindex="0" aria-label="Command that uploads a clip" {
                            code { (upload_command(&view.address)) }
                        }
                    }
                }
                li {
                    div {
                        h3 { "Look round from the terminal" }
                        p {
                            "Which plugins there are, which run, and why the others do not. Every command explains itself with "
                            code { "--help" } " and answers programs with " code { "--json" } "."
                        }
                    }
                    pre.command tabindex="0" aria-label="Command that lists the plugins" {
                        code { "switchboard plugin list" }
                    }
                }
            }
        }
    }
}

/// The plugin that the upload step speaks of, if it can take one.
fn is_the_clip_library(plugin: &PluginLine) -> bool {
    plugin.id == "clips" && plugin.state_kind == StateKind::Good
}

fn first_call(address: &str) -> String {
    format!("curl -H \"Authorization: Bearer $SWITCHBOARD_TOKEN\" \\\n     {address}/api/admin/plugins")
}

fn upload_command(address: &str) -> String {
    format!(
        "curl -H \"Authorization: Bearer $SWITCHBOARD_TOKEN\" \\\n     -F file=@clip.mp4 \\\n     {address}/api/v1/clips/upload"
    )
}

fn for_machines() -> Markup {
    let doors = [
        ("/healthz", "Alive: the process answers"),
        ("/readyz", "Ready: plugins are loaded, storage answers"),
        ("/metrics", "Counters and timings for Prometheus, with a token"),
        ("/api/openapi.json", "The whole API as OpenAPI 3.1"),
    ];
    html! {
        section.block aria-labelledby="machines" {
            div.heading { h2 #machines { "For machines" } }
            ul.doors {
                @for (path, purpose) in doors {
                    li { a href=(path) { code { (path) } span { (purpose) } } }
                }
            }
        }
    }
}

/// The mark: two sockets and the cord between them.
pub(crate) fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" aria-hidden="true" focusable="false" {
            circle.socket cx="6" cy="6" r="3.25" {}
            circle.socket cx="18" cy="6" r="3.25" {}
            path.cord d="M6 6v6.5a6 6 0 0 0 12 0V6" {}
        }
    }
}

/// A switchboard's panel: as many cords are plugged in as plugins run.
fn board(plugins: &[PluginLine]) -> Markup {
    const COLUMNS: usize = 9;
    const ROWS: usize = 5;
    const PITCH: usize = 40;
    /// Cords as pairs of sockets (column, row), the longer ones first, so that they cross.
    const CORDS: [[(usize, usize); 2]; 6] = [
        [(1, 0), (6, 1)],
        [(4, 0), (8, 0)],
        [(0, 2), (3, 1)],
        [(5, 2), (7, 2)],
        [(2, 3), (6, 3)],
        [(7, 3), (8, 2)],
    ];
    let middle = |step: usize| PITCH / 2 + step * PITCH;
    let running = plugins.iter().filter(|plugin| plugin.state_kind == StateKind::Good).count();
    let cords = CORDS.iter().take(running);
    let is_plugged = |socket| CORDS.iter().take(running).any(|ends| ends.contains(&socket));
    html! {
        svg.board viewBox={ "0 0 " (COLUMNS * PITCH) " " (ROWS * PITCH + PITCH) } aria-hidden="true" focusable="false" {
            @for row in 0..ROWS {
                @for column in 0..COLUMNS {
                    circle.socket.plugged[is_plugged((column, row))] cx=(middle(column)) cy=(middle(row)) r="9" {}
                    circle.hole cx=(middle(column)) cy=(middle(row)) r="3.5" {}
                }
            }
            @for [(from, top), (to, bottom)] in cords {
                @let sag = middle(*top.max(bottom)) + PITCH + (to - from) * PITCH / 3;
                path.cord d={
                    "M" (middle(*from)) " " (middle(*top))
                    "C" (middle(*from)) " " (sag) " " (middle(*to)) " " (sag)
                    " " (middle(*to)) " " (middle(*bottom))
                } {}
                circle.plug cx=(middle(*from)) cy=(middle(*top)) r="5" {}
                circle.plug cx=(middle(*to)) cy=(middle(*bottom)) r="5" {}
            }
        }
    }
}

/// A length of time to the precision that a person asks for: `3 minutes`, `2 days`.
fn in_words(length: Duration) -> String {
    let seconds = length.as_secs();
    let (count, unit) = match seconds {
        0..=59 => (seconds, "second"),
        60..=3_599 => (seconds / 60, "minute"),
        3_600..=86_399 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}
