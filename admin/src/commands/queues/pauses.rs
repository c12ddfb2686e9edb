//! Pauses as lines: what is stopped, until when, by whom and why.

use crate::{
    client::types::QueuePause,
    context::Context,
    screen::{Column, Table, words},
};

/// In a word or two.
pub fn summary(pauses: &[QueuePause]) -> String {
    let is_whole = |pause: &QueuePause| pause.tenant_id.is_none() && pause.lane.is_none() && pause.kind.is_none();
    match pauses {
        [] => String::new(),
        pauses if pauses.iter().any(is_whole) => "whole queue".to_owned(),
        [_] => "1 part".to_owned(),
        pauses => format!("{} parts", pauses.len()),
    }
}

/// As a table.
pub fn table(context: &Context, pauses: Vec<QueuePause>) -> String {
    let columns = [
        Column::Id("QUEUE"),
        Column::Id("TENANT"),
        Column::Text("PART"),
        Column::Text("UNTIL"),
        Column::Text("BY"),
        Column::Text("SINCE"),
        Column::Text("REASON"),
    ];
    let mut table = Table::new(context.style, &columns);
    for pause in pauses {
        let part = match (pause.kind, pause.lane) {
            (Some(kind), _) => format!("kind {kind}"),
            (None, Some(lane)) => format!("lane {lane}"),
            (None, None) => "all".to_owned(),
        };
        table.row([
            pause.queue.into(),
            pause.tenant_id.unwrap_or_else(|| "all".to_owned()).into(),
            part.into(),
            pause.until.map_or_else(|| "resumed".to_owned(), words::instant).into(),
            pause.paused_by.into(),
            words::instant(pause.paused_at).into(),
            pause.reason.into(),
        ]);
    }
    table.drawn("Nothing is paused.")
}
