DROP TABLE queue.stops;
