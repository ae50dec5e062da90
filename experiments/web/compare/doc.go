// Package compare is the page on which people say which of two pieces of behaviour is better.
//
// Its questions lie on desks (label.Desk): a run with the reward "human" puts them there while it
// trains, or [Sample] draws them from recorded episodes. The pieces are simulated again from the
// saved state and the actions, checked against what was recorded, and sent as lists of shapes that
// the browser draws; no film is stored. A piece that no longer plays as it did, because the
// program or its levels have changed, is not shown: it is named among the problems.
//
// Answers are appended to the desk's log before the page moves on, with the annotator, the
// strength if it was said, marks at moments, and the seconds that the answer took. Taking one back
// appends that too: nothing is ever changed or removed.
package compare
