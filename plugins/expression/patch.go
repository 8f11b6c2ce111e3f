// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"reflect"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// patcher rewrites an expression before it is checked: names of what is decoded
// late become calls, functions get the record they count their work at, and what
// costs more than the record is large is counted.
type patcher struct {
	counted map[ast.Node]bool // calls that count
	err     error
}

func newPatcher() *patcher { return &patcher{counted: map[ast.Node]bool{}} }

// Visit implements [ast.Visitor]. Parts of a node are visited before it.
func (p *patcher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value == "$env" && p.err == nil {
			p.err = &file.Error{Location: n.Location(), Message: "unknown name $env"}
		}
		if late[n.Value] {
			p.call(node, hidden(n.Value))
		}
	case *ast.CallNode:
		if callee, is := n.Callee.(*ast.IdentifierNode); is && own[callee.Value].call != nil {
			p.call(node, hidden(callee.Value), n.Arguments...)
		}
	case *ast.BinaryNode:
		p.binary(node, n)
	case *ast.BuiltinNode:
		if deep[n.Name] {
			p.countAll(n.Arguments)
		}
	case *ast.PredicateNode:
		p.loop(n)
	}
}

// call replaces a node by a call of a function that takes the record first.
func (p *patcher) call(node *ast.Node, name string, arguments ...ast.Node) {
	at, t := (*node).Location(), (*node).Nature()
	record := &ast.IdentifierNode{Value: "$env"}
	callee := &ast.IdentifierNode{Value: name}
	c := &ast.CallNode{Callee: callee, Arguments: append([]ast.Node{record}, arguments...)}
	for _, n := range []ast.Node{record, callee, c} {
		n.SetLocation(at)
	}
	c.SetNature(*t)
	*node = c
}

// binary counts what a binary operator can make, and comparisons of whole values.
func (p *patcher) binary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "+":
		switch open := func(n ast.Node) bool { return n.Type().Kind() == reflect.Interface }; {
		case text(n.Left) && text(n.Right):
			p.call(node, hidden("addText"), n.Left, n.Right)
		case (open(n.Left) || text(n.Left)) && (open(n.Right) || text(n.Right)):
			p.call(node, hidden("add"), n.Left, n.Right)
		}
	case "==", "!=":
		if !small(n.Left) && !small(n.Right) && !text(n.Left) && !text(n.Right) {
			p.count(&n.Left)
			p.count(&n.Right)
		}
	}
}

// loop counts each round of a predicate, and in it also what takes as long as a
// value is large.
func (p *patcher) loop(n *ast.PredicateNode) {
	ast.Walk(&n.Node, visitor(func(node *ast.Node) {
		switch n := (*node).(type) {
		case *ast.BinaryNode:
			switch n.Operator {
			case "==", "!=", "<", ">", "<=", ">=", "startsWith", "endsWith":
				if !small(n.Left) && !small(n.Right) {
					p.count(&n.Left)
					p.count(&n.Right)
				}
			case "contains", "matches", "in":
				p.count(&n.Left)
				p.count(&n.Right)
			}
		case *ast.BuiltinNode:
			p.countAll(n.Arguments)
		case *ast.SliceNode:
			p.count(&n.Node)
		}
	}))
	var round ast.Node = &ast.NilNode{}
	round.SetLocation(n.Node.Location())
	p.call(&round, hidden("round"))
	body := n.Node
	sequence := &ast.SequenceNode{Nodes: []ast.Node{round, body}}
	sequence.SetLocation(body.Location())
	sequence.SetNature(*body.Nature())
	n.Node = sequence
}

type visitor func(node *ast.Node)

// Visit implements [ast.Visitor].
func (v visitor) Visit(node *ast.Node) { v(node) }

func (p *patcher) countAll(nodes []ast.Node) {
	for i := range nodes {
		p.count(&nodes[i])
	}
}

// count has a value counted when it is looked at. A text stays one for the checker.
func (p *patcher) count(node *ast.Node) {
	if _, is := (*node).(*ast.PredicateNode); is || small(*node) || p.counted[*node] {
		return
	}
	name := hidden("count")
	if text(*node) {
		name = hidden("countText")
	}
	p.call(node, name, *node)
	p.counted[*node] = true
}

func text(n ast.Node) bool { return n.Type().Kind() == reflect.String }

// small reports whether a value is so small that looking at it costs nothing: it is
// written out, or a number, a truth value or a time.
func small(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.NilNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.ConstantNode:
		return true
	case *ast.ArrayNode:
		return !slices.ContainsFunc(n.Nodes, func(item ast.Node) bool { return !small(item) })
	}
	t := n.Type()
	return t == timeType || t.Kind() >= reflect.Bool && t.Kind() <= reflect.Float64
}
