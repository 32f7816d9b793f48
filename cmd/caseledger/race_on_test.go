//go:build race

package main

// raced: the race detector multiplies a program's memory, so that its figures say nothing.
const raced = true
