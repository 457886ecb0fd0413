#!/usr/bin/env python3
"""The accounts of the street: FastAPI, with PostgreSQL (by psycopg2 and by SQLAlchemy), Redis, and the stock by gRPC.

    accounts.py PORT STOCK-ADDRESS DEAD-STOCK-ADDRESS DATABASE-ADDRESS REDIS-ADDRESS DEAD-REDIS-ADDRESS
"""
import itertools
import sys
import time

import fastapi
import grpc
import psycopg2
import redis
import sqlalchemy
import uvicorn
from google.protobuf.wrappers_pb2 import StringValue
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

port, stock, dead_stock, database, cache_server, dead_cache = sys.argv[1:]
for instrumentor in (Psycopg2Instrumentor, SQLAlchemyInstrumentor, RedisInstrumentor, GrpcInstrumentorClient):
    instrumentor().instrument()

app = fastapi.FastAPI()
engine = sqlalchemy.create_engine(f"postgresql+psycopg2://postgres@{database}/shop", pool_size=1, max_overflow=0, pool_timeout=.2)


def reserve(address, what):
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary("/shop.Stock/Reserve", StringValue.SerializeToString, StringValue.FromString)
        return call(StringValue(value=what), timeout=2).value


def select(sql):
    host, database_port = database.split(":")
    with psycopg2.connect(host=host, port=database_port, dbname="shop", user="postgres") as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchall())


@app.post("/refused")
def refused(bad: int = 0):
    return reserve(dead_stock if bad else stock, "shelf 1")


@app.post("/internal")
def internal(bad: int = 0):
    return reserve(stock, "shelf 7" if bad else "shelf 1")


@app.post("/query")
def query(bad: int = 0):
    return select("SELECT nick FROM members" if bad else "SELECT name FROM members")


@app.post("/slow")
def slow(bad: int = 0):
    return select("SELECT pg_sleep(.4)" if bad else "SELECT pg_sleep(.004)")


@app.post("/score")
def score():
    """Takes 50 ms, always."""
    time.sleep(.05)
    return "7"


refusals = itertools.cycle([True, False])


@app.post("/flaky")
def flaky(bad: int = 0):
    """Refuses every second bad request: the first of two attempts."""
    if bad and next(refusals):
        raise fastapi.HTTPException(503, "warming up")
    return "7"


@app.post("/charge")
def charge(bad: int = 0):
    if bad:
        raise ValueError("the card has no number")
    return "charged"


@app.post("/release")
def release():
    raise RuntimeError("nothing is reserved")


@app.post("/recommend")
def recommend():
    raise RuntimeError("the model is not loaded")


@app.post("/cache")
def cache(bad: int = 0):
    host, cache_port = (dead_cache if bad else cache_server).split(":")
    return str(redis.Redis(host=host, port=int(cache_port), retry=None).get("name"))


@app.post("/pool")
def pool(bad: int = 0):
    """The pool has one connection. A bad request holds it and asks for another."""
    held = engine.connect() if bad else None
    try:
        with engine.connect() as connection:
            return str(connection.execute(sqlalchemy.text("SELECT 1")).all())
    finally:
        if held:
            held.close()


FastAPIInstrumentor.instrument_app(app)
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error")
