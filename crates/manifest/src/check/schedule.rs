//! When tasks run by themselves.

use crate::{inspection::Inspection, quote::quoted};

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
        let cron = there("cron");
        if let (Some(_), Some(every)) = (&cron, there("every_seconds")) {
            let message = "a task runs by `cron` or every so many seconds, and this one has both";
            manifest.key_fault(&every.path, message, "one of the two".to_owned());
        }
        if let Some(cron) = cron.and_then(|cron| cron.as_text())
            && let Some(why) = fault(cron.text)
        {
            let shorthand = SHORTHANDS.iter().find(|(word, _)| *word == cron.text.trim().to_lowercase());
            let instead = match shorthand {
                Some((_, fields)) => format!("`{fields}`"),
                None => "minute, hour, day of the month, month and day of the week, such as `30 4 * * *`"
                    .to_owned(),
            };
            manifest.fault(
                &cron.path,
                format!("{} is not a cron expression: {why}", quoted(cron.text)),
                instead,
            );
        }
    }
}

/// Why a text is no cron expression; what only a scheduler can tell is left to it.
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
