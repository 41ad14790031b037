//! Panics of handlers are outcomes, told in the report; only others are printed.

/// What the worker threads of runs are called.
pub(crate) const WORKER: &str = "vwmp-worker";

/// Keeps panics on worker threads from being printed a second time.
pub(crate) fn keep_handlers_quiet() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(WORKER) {
            print(panic);
        }
    }));
}
