//! `rota migrate`.

use std::sync::Arc;

use clap::Args;
use engine::Clock;
use engine::delivery::Live;

use super::CommandError;
use crate::announcements::Announcements;
use crate::composition;
use crate::config::{DatabaseOptions, LogFormat};
use crate::host::SystemClock;
use crate::telemetry::start_logs;

/// `rota migrate`.
#[derive(Args, Debug)]
pub(super) struct MigrateOptions {
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(super) async fn migrate(options: &MigrateOptions) -> Result<(), CommandError> {
    start_logs(LogFormat::Pretty);
    let url = options.database.url()?;
    // Opening a database brings it to this version.
    let nobody_waits = Arc::new(Announcements::new(
        Arc::new(Live::new(SystemClock.now())),
        Arc::default(),
    ));
    composition::open_database(&url, nobody_waits)
        .await?
        .close()
        .await;
    println!("{url:?} is at this version of Rota.");
    Ok(())
}
