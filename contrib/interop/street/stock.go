// The stock of the street: a gRPC server with otelgrpc. Shelf 7 is broken.
//
//	stock PORT
package main

import (
	"context"
	"log"
	"net"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func reserve(_ context.Context, word *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	if word.Value == "shelf 7" {
		return nil, status.Error(codes.Internal, "shelf 7: index out of range")
	}
	return wrapperspb.String("reserved"), nil
}

func handler(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	word := new(wrapperspb.StringValue)
	if err := decode(word); err != nil {
		return nil, err
	}
	return reserve(ctx, word)
}

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler()))
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "shop.Stock", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Reserve", Handler: handler}}}, nil)
	log.Fatal(server.Serve(listener))
}
