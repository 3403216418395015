//! Optional features of the command.

use crate::message;

/// Returns the error of a command or option that needs a feature that this build does not have.
pub(crate) fn missing(what: &str, feature: &str) -> String {
    message::render_text(&format!(
        "`vsp {what}` needs the feature `{feature}`, which this build does not have: \
         cargo install --path vsp-cli --features {feature}"
    ))
}
