package qd

import (
	"math"
	"slices"
)

// SortFronts returns the numbers of points by how good they are in several goals at once, each
// a slice with a number a point: by non-dominated fronts, and within a front by crowding distance
// (Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm:
// NSGA-II", 2002, sections III-A and III-B). More is better in every goal.
func SortFronts(goals ...[]float64) []int {
	n := len(goals[0])
	front, order := make([]int, n), make([]int, n)
	for i := range n {
		front[i], order[i] = -1, i
	}
	for left, f := n, 0; left > 0; f++ {
		for i := range n {
			if front[i] >= 0 {
				continue
			}
			dominated := false
			for j := 0; j < n && !dominated; j++ {
				dominated = (front[j] < 0 || front[j] == f) && dominates(goals, j, i)
			}
			if !dominated {
				front[i] = f
				left--
			}
		}
	}
	crowd := crowding(goals, front)
	slices.SortStableFunc(order, func(i, j int) int {
		if front[i] != front[j] {
			return front[i] - front[j]
		}
		return descending(crowd[i], crowd[j])
	})
	return order
}

// dominates reports that i is at least as good as j in every goal and better in one.
func dominates(goals [][]float64, i, j int) bool {
	better := false
	for _, g := range goals {
		if g[i] < g[j] {
			return false
		}
		better = better || g[i] > g[j]
	}
	return better
}

// crowding returns the crowding distance of each point within its front.
func crowding(goals [][]float64, front []int) []float64 {
	crowd, order := make([]float64, len(front)), make([]int, len(front))
	for _, goal := range goals {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int {
			if front[i] != front[j] {
				return front[i] - front[j]
			}
			return descending(goal[i], goal[j])
		})
		for lo := 0; lo < len(order); {
			hi := lo + 1
			for hi < len(order) && front[order[hi]] == front[order[lo]] {
				hi++
			}
			crowd[order[lo]], crowd[order[hi-1]] = math.Inf(1), math.Inf(1)
			if extent := goal[order[lo]] - goal[order[hi-1]]; extent > 0 {
				for p := lo + 1; p < hi-1; p++ {
					crowd[order[p]] += (goal[order[p-1]] - goal[order[p+1]]) / extent
				}
			}
			lo = hi
		}
	}
	return crowd
}
