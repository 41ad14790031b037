//! What a step kept to take its work back, when it is asked for.

use vwmp_interfaces::StepError;

/// Refuses to say that work was taken back of which nothing is known any more: a step that changed something has kept
/// what was there before, so where nothing is, somebody has removed it.
///
/// # Errors
/// When the step changed something.
pub(crate) fn nothing_kept(changed: bool) -> Result<(), StepError> {
    if changed {
        return Err(StepError::permanent(
            "what was kept to take it back is gone from the folder of the runs; look at what the step did, and take it \
             back by hand",
        ));
    }
    Ok(())
}
