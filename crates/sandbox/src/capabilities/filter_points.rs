//! `filter-points`: asking others at the plugin's own filter points.

use crate::{
    bindings::imports::filter_points,
    conversion::{payload_in, payload_out},
    interrupted::Answer,
    state::State,
};

impl filter_points::Host for State {
    async fn apply(&mut self, point: String, payload: String) -> Answer<String> {
        let payload = payload_in(payload)?;
        let call = self.call()?;
        Ok(payload_out(&call.host.filters.apply(&call.context, &point, payload).await?))
    }
}
