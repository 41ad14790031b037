//! Work that holds up its thread.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Lets other tasks of this thread go on meanwhile, where the runtime has other threads to do so.
pub(crate) fn apart<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
