//! The timer: settles what no doorbell announced, expires, refunds.
