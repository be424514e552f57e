// An agent of your own in Go. docs/other-languages.md says how to build and rehearse it.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"regexp"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	agentv1 "example.com/own-agent/gen/greenroom/agent/v1"
	typev1 "example.com/own-agent/gen/greenroom/type/v1"
)

var (
	orderNumber = regexp.MustCompile(`LH-\d{5}`)
	address     = regexp.MustCompile(`\S+@[\w.-]+\w`)
)

// agent finds the order and hands over to a colleague. It is stateless: each request has the whole transcript.
type agent struct {
	agentv1.UnimplementedAgentServiceServer
}

func (agent) Act(_ context.Context, request *agentv1.ActRequest) (*agentv1.ActResponse, error) {
	var said []string
	var found *typev1.ToolAnswer
	for _, event := range request.GetEvents() {
		said = append(said, event.GetUserMessage().GetText())
		if result := event.GetToolResult(); result != nil {
			found = result.GetAnswer()
		}
	}
	text := strings.Join(said, " ")
	order, email := orderNumber.FindString(text), address.FindString(text)
	switch {
	case order == "":
		return say("What is your order number? It begins with LH."), nil
	case email == "":
		return say("And the e-mail address you ordered with?"), nil
	case found == nil:
		arguments, err := structpb.NewStruct(map[string]any{"order_id": order, "email": email})
		if err != nil {
			return nil, err
		}
		call := &agentv1.CallTool{Tool: "find_order", Arguments: arguments}
		return &agentv1.ActResponse{Action: &agentv1.ActResponse_CallTool{CallTool: call}}, nil
	case found.GetError() != nil:
		return end("I can't find that order. A colleague will call you."), nil
	default:
		item := found.GetValue().GetStructValue().GetFields()["item"].GetStringValue()
		return end("I see " + item + ". A colleague will take it from here, goodbye!"), nil
	}
}

func say(text string) *agentv1.ActResponse {
	return &agentv1.ActResponse{Action: &agentv1.ActResponse_Say{Say: &agentv1.Say{Text: text}}}
}

func end(text string) *agentv1.ActResponse {
	return &agentv1.ActResponse{Action: &agentv1.ActResponse_End{End: &agentv1.End{Text: text}}}
}

func main() {
	port := "9100"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	agentv1.RegisterAgentServiceServer(server, agent{})
	fmt.Printf("The agent listens on %s\n", listener.Addr())
	log.Fatal(server.Serve(listener))
}
