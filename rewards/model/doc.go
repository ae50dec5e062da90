// Package model learns rewards from feedback.
//
// Whatever judges behaviour is a [Scorer]. The learned one is an [Ensemble] of small networks
// that give each step a number; a segment's score is their sum. [Fit] trains it on records of any
// kind by a [Loss], of which [BradleyTerry] is the usual one:
//
//	P(A better than B) = 1 / (1 + exp(sum r(B) - sum r(A)))
//
// What the numbers mean is up to who answers: of a labeler that judges by summed reward they are
// rewards ("partial return"), of one that judges by regret they are advantages, and the greedy
// policy on them is the learned one (Knox, Hatgis-Kessell, Booth, Niekum, Stone and Allievi,
// "Models of human preference for learning reward functions", 2022). [Linear] has the models of
// that paper in which values move along with the reward.
//
// [Recurrent] is a scorer with a memory, whose scores depend on what came before.
//
// [Select] picks the next questions, a [Schedule] how many when. [Config] makes all of it a
// reward, "preference", that learns while the agent trains; [Heron] one, "heron", whose labels
// come from an order of importance, [Human] one, "human", whose labels come from people, and
// [Remote] one, "remote", that asks a language model.
//
// Training gives the same bits for any number of workers.
package model
