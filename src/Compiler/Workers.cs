using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Lorq;

/// <summary>Independent pieces of work on several threads. What goes wrong in one of them comes out as if there were one thread.</summary>
internal static class Workers
{
    /// <summary>Works on 0 … count − 1: started one at a time and in order.</summary>
    /// <param name="count">How many pieces.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="work">Does one piece.</param>
    /// <param name="cancellationToken">Stops between pieces.</param>
    /// <exception cref="OperationCanceledException">It was stopped, whatever else happened.</exception>
    public static void Run(int count, int threads, Action<int> work, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount,
            CancellationToken = cancellationToken,
        };
        var failures = new ConcurrentDictionary<int, Exception>();
        try
        {
            Parallel.ForEach(
                Partitioner.Create(Enumerable.Range(0, count), EnumerablePartitionerOptions.NoBuffering),
                options,
                i =>
                {
                    try
                    {
                        work(i);
                    }
                    catch (Exception e)
                    {
                        failures[i] = e;
                        throw;
                    }
                }
            );
        }
        catch (AggregateException) when (!failures.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Pieces start in order and what has begun ends, so the first failure is the same whatever the number of threads.
            ExceptionDispatchInfo.Throw(failures.MinBy(f => f.Key).Value);
        }
    }

    /// <summary>Works on 0 … count − 1, what costs most first: so no thread ends with a large piece alone.</summary>
    /// <param name="count">How many pieces.</param>
    /// <param name="cost">About how long a piece takes, in any unit.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="work">Does one piece.</param>
    /// <param name="cancellationToken">Stops between pieces.</param>
    public static void Run(int count, Func<int, double> cost, int threads, Action<int> work, CancellationToken cancellationToken)
    {
        int[] order = [.. Enumerable.Range(0, count).OrderByDescending(cost).ThenBy(i => i)];
        Run(count, threads, place => work(order[place]), cancellationToken);
    }

    /// <summary>Works on 0 … count − 1 side by side and hands what comes out over one by one and in order, so that sums do not depend on the number of threads.</summary>
    /// <param name="count">How many pieces.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="work">Does one piece; on any thread. Null where there is nothing to hand over.</param>
    /// <param name="take">Takes the result, which is disposed afterwards; never called twice at a time.</param>
    /// <param name="cancellationToken">Stops between pieces.</param>
    public static void RunInOrder<T>(int count, int threads, Func<int, T?> work, Action<int, T> take, CancellationToken cancellationToken)
        where T : class, IDisposable
    {
        var waiting = new Dictionary<int, T?>();
        int next = 0;
        try
        {
            Run(
                count,
                threads,
                i =>
                {
                    T? result = work(i);
                    lock (waiting)
                    {
                        waiting.Add(i, result);
                        for (; waiting.Remove(next, out T? first); next++)
                        {
                            using (first)
                            {
                                if (first is not null)
                                {
                                    take(next, first);
                                }
                            }
                        }
                    }
                },
                cancellationToken
            );
        }
        finally
        {
            foreach (T? left in waiting.Values)
            {
                left?.Dispose();
            }
        }
    }
}
