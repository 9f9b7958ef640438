//! What is owed to whom, what may go now, what became of it. Pure: [`staff`] for instant messages, [`visitor`] for
//! answers. The store keeps the same rows; the hub keeps the two alike.

pub mod budget;
pub mod staff;
pub mod visitor;
