//! Several at once.

use std::future::Future;

use anyhow::Result;
use tokio::task::JoinSet;

/// Runs all at once; gives what they gave, in the order in which they ended. The first error ends it.
pub async fn all<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
) -> Result<Vec<T>> {
    let mut running: JoinSet<Result<T>> = tasks.into_iter().collect();
    let mut results = Vec::new();
    while let Some(ended) = running.join_next().await {
        results.push(ended??);
    }
    Ok(results)
}
