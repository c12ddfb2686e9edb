//! Chapter three: the phones have them; receipts come back.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Stage;
use crate::demo::step::{Bar, Counts, Step};

/// Watches `texts` messages become delivered.
pub async fn play(stage: &mut Stage, texts: u64) -> Result<Step> {
    let expected = Counts { total: texts, succeeded: texts, ..Counts::default() };
    let bar = Bar::start("receipts", "delivery receipts arriving", expected);
    let until = Instant::now() + Duration::from_secs(60);
    let mut counts = Counts { total: texts, ..Counts::default() };
    loop {
        counts.succeeded = u64::try_from(stage.list("/v1/messages?state=delivered").await?.len())?;
        if counts.succeeded > 0 {
            stage.delivered();
        }
        bar.show(counts);
        if counts.succeeded >= texts || Instant::now() > until {
            // What has no receipt by now counts as failed here, so that the counts add up.
            counts.failed = texts.saturating_sub(counts.succeeded);
            return Ok(bar.finish(counts));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
