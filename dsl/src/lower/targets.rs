//! The `targets` block.

use super::Lowering;
use super::fields::Fields;
use crate::node::Node;
use crate::runbook::{Rpo, Rto, Targets};
use crate::schema::{
    ACHIEVED, AT_RISK, RPO, RPO_BLOCK, RPO_WITHIN, RTO, RTO_BLOCK, RTO_FROM, RTO_PAGE, RTO_TO,
    RTO_WITHIN, RUNBOOK_TARGETS, TARGETS,
};

impl Lowering<'_> {
    pub(super) fn targets(&mut self, fields: &Fields<'_>) -> Option<Targets> {
        let node = fields.get(&RUNBOOK_TARGETS)?;
        let fields = self.fields(&TARGETS, Some(&RUNBOOK_TARGETS), node, node.span.before())?;
        Some(Targets {
            span: node.span,
            rto: fields.get(&RTO).and_then(|node| self.rto(node)),
            rpo: fields.get(&RPO).and_then(|node| self.rpo(node)),
        })
    }

    fn rto(&mut self, node: &Node) -> Option<Rto> {
        let fields = self.fields(&RTO_BLOCK, Some(&RTO), node, node.span.before())?;
        Some(Rto {
            span: node.span,
            within: self.duration(&RTO_WITHIN, &fields),
            from: self.word(&RTO_FROM, &fields),
            to: self.word(&RTO_TO, &fields),
            at_risk: self.percent(&AT_RISK, &fields),
            page: self.word(&RTO_PAGE, &fields),
        })
    }

    fn rpo(&mut self, node: &Node) -> Option<Rpo> {
        let fields = self.fields(&RPO_BLOCK, Some(&RPO), node, node.span.before())?;
        Some(Rpo {
            span: node.span,
            within: self.duration(&RPO_WITHIN, &fields),
            achieved: self.expression(&ACHIEVED, &fields),
        })
    }
}
