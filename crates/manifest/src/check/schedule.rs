//! When tasks run by themselves.

use switchboard_timetable::{Fault, Timetable};

use crate::{
    inspection::{Inspection, Text},
    quote::quoted,
};

/// The fields of a cron expression of five, each with the numbers that it takes.
const FIELDS: [(&str, u32, u32); 5] = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
];
const SECOND: (&str, u32, u32) = ("second", 0, 59);

/// Words that other schedulers know.
const SHORTHANDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

pub(super) fn check(manifest: &mut Inspection<'_>) {
    for task in manifest.top().items("provides.tasks") {
        let there = |name: &str| task.field(name).filter(|field| !field.value.is_null());
        let (cron, every) = (there("cron"), there("every_seconds"));
        if let (Some(_), Some(every)) = (&cron, &every) {
            let message = "a task runs by `cron` or every so many seconds, and this one has both";
            manifest.key_fault(&every.path, message, "one of the two".to_owned());
        }
        if cron.is_none() && every.is_none() {
            for name in ["scope", "jitter_seconds", "if_running", "catch_up"] {
                if let Some(field) = there(name) {
                    let message =
                        format!("`{name}` is about a task that runs by itself, and this one does not");
                    let instead = "`cron` or `every_seconds` as well, or without it".to_owned();
                    manifest.key_fault(&field.path, message, instead);
                }
            }
        }
        let zone = there("time_zone");
        if let Some(zone) = zone.as_ref().filter(|_| cron.is_none()) {
            let message = "a time zone is for reading `cron`, and this task has none";
            manifest.key_fault(&zone.path, message, "`cron` as well, or without it".to_owned());
        }
        let zone = zone.as_ref().and_then(|zone| zone.as_text());
        if let Some(cron) = cron.as_ref().and_then(|cron| cron.as_text()) {
            is_cron(manifest, &cron, zone.as_ref());
        }
    }
}

fn is_cron(manifest: &mut Inspection<'_>, cron: &Text<'_>, zone: Option<&Text<'_>>) {
    if let Some(why) = fault(cron.text) {
        let shorthand = SHORTHANDS.iter().find(|(word, _)| *word == cron.text.trim().to_lowercase());
        let instead = match shorthand {
            Some((_, fields)) => format!("`{fields}`"),
            None => {
                "minute, hour, day of the month, month and day of the week, such as `30 4 * * *`".to_owned()
            }
        };
        let message = format!("{} is not a cron expression: {why}", quoted(cron.text));
        return manifest.fault(&cron.path, message, instead);
    }
    match (Timetable::cron(cron.text, zone.map_or("UTC", |zone| zone.text)), zone) {
        (Ok(_), _) => {}
        (Err(Fault::Zone(name)), Some(zone)) => {
            let message = format!("{} is no time zone", quoted(&name));
            manifest.fault(
                &zone.path,
                message,
                "one of the IANA database, such as `Europe/Berlin`".to_owned(),
            );
        }
        (Err(fault), _) => {
            let instead = "a time that comes, such as `30 4 * * *`".to_owned();
            manifest.fault(&cron.path, fault.to_string(), instead);
        }
    }
}

/// Why a text is no cron expression, where that can be said in simpler words than a timetable has for it.
fn fault(cron: &str) -> Option<String> {
    let written: Vec<&str> = cron.split_whitespace().collect();
    let fields: Vec<_> = match written.len() {
        5 => FIELDS.to_vec(),
        6 => [SECOND].into_iter().chain(FIELDS).collect(),
        1 => return Some("it has 1 field, and five or six are needed".to_owned()),
        count => return Some(format!("it has {count} fields, and five or six are needed")),
    };
    fields.into_iter().zip(written).find_map(|((noun, least, most), field)| {
        let stranger = |c: char| !c.is_ascii_alphanumeric() && !"*/,-?#".contains(c);
        if field.contains(stranger) {
            return Some(format!("{} cannot stand for the {noun}", quoted(field)));
        }
        let beyond = field.split(',').find_map(|part| {
            // What follows `/` is a step and what follows `#` a count; only what is before them is a time.
            let times = part.split(['/', '#']).next().unwrap_or_default();
            times.split('-').find(|time| time.parse::<u32>().is_ok_and(|time| time < least || time > most))
        });
        beyond.map(|time| format!("the {noun} is {least} to {most}, and {time} is written"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_or_six_fields_within_their_bounds() {
        for good in [
            "30 4 * * *",
            "*/5 * * * *",
            "0 0 1,15 * 1-5",
            "0 30 4 * * MON",
            "0 0 L * ?",
            "0 0 * * 1#2",
            "0 0 * JAN-MAR *",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "* * * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "every day at 5 o'clock",
            "@daily",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
        assert!(SHORTHANDS.iter().all(|(_, fields)| fault(fields).is_none()));
    }
}
