// Package feedback holds what people, and programs in their place, say about behaviour.
//
// Behaviour lies in a [Store]: trajectories, as flat arrays of observations, actions and facts.
// A [Segment] names steps of one of them. Everything that is said about segments is a [Record],
// of whatever kind: which of two is better, the order of several, ratings, marks on single steps,
// or that a segment shows how it should be done. A data set is a []Record, so filtering,
// flipping, softening and weighting are functions from records to records, an [Op]:
//
//	store := feedback.NewStore(feedback.ShapeOf(spec))
//	id, err := store.Add(trajectory)
//	records = feedback.Chain(feedback.WithoutDuplicates, feedback.Smooth(0.1))(records)
//	for _, p := range feedback.Check(records) { fmt.Println(p) }
//
// Records are kept in a [Log], an append-only file that survives a torn write.
package feedback
