using System.Diagnostics;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Threads, cancellation and disposal in any order.</summary>
public sealed class LifetimeTests
{
    private static readonly InputTensor Rows = InputTensor.Of("x", new float[256 * 384], 256, 384);

    [Fact]
    public void A_disposed_session_refuses_calls_and_its_outputs_live_on()
    {
        LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        InputTensor[] inputs = [InputTensor.Of("a", [1f, 2, 3, 4], 1, 4), InputTensor.Of("b", [1f, 1, 1, 1], 1, 4)];
        LorqOutputs outputs = session.Run(inputs);
        session.Dispose();
        session.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal([2f, 3, 4, 5], outputs[0].ToArray<float>());
        Assert.Throws<ObjectDisposedException>(() => session.Run(inputs));
        Assert.Throws<ObjectDisposedException>(() => session.RunInto(inputs, [OutputTensor.Of("sum", new float[4], 1, 4)]));
        Assert.Throws<ObjectDisposedException>(() =>
        {
            _ = session.RunAsync(inputs);
        });
        Assert.Throws<ObjectDisposedException>(() => session.LoadAdapter("x", ReadOnlyMemory<byte>.Empty));
        Assert.Equal(2, session.Inputs.Count);
        outputs.Dispose();
        outputs.Dispose();
        Assert.Throws<ObjectDisposedException>(() => outputs[0].ToArray<float>());
    }

    [Fact]
    public async Task Calls_under_way_end_when_the_session_is_disposed()
    {
        LorqSession session = LorqSession.Load(ModelBuilder.Slow(20));
        Task<LorqOutputs>[] runs = [.. Enumerable.Range(0, 4).Select(_ => session.RunAsync([Rows]))];
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() =>
        {
            _ = session.RunAsync([Rows]);
        });
        foreach (LorqOutputs outputs in await Task.WhenAll(runs))
        {
            Assert.Equal([256L, 384L], outputs[0].Dimensions.ToArray());
            outputs.Dispose();
        }
    }

    [Fact]
    public void Threads_run_and_dispose_at_a_time()
    {
        for (int round = 0; round < 20; round++)
        {
            LorqSession session = LorqSession.Load(ModelBuilder.Sum());
            int right = 0;
            var threads = Enumerable
                .Range(0, 8)
                .Select(t => new Thread(() =>
                {
                    for (int i = 0; ; i++)
                    {
                        float[] a = [t, i, 1, 2];
                        LorqOutputs outputs;
                        try
                        {
                            outputs = session.Run([InputTensor.Of("a", a, 1, 4), InputTensor.Of("b", a, 1, 4)]);
                        }
                        catch (ObjectDisposedException)
                        {
                            return;
                        }
                        using (outputs)
                        {
                            if (outputs[0].AsSpan<float>().SequenceEqual([2 * t, 2 * i, 2, 4]))
                            {
                                Interlocked.Increment(ref right);
                            }
                            else
                            {
                                Interlocked.Add(ref right, int.MinValue / 2);
                            }
                        }
                    }
                }))
                .ToList();
            threads.ForEach(t => t.Start());
            while (Volatile.Read(ref right) is >= 0 and < 100)
            {
                Thread.Yield();
            }
            session.Dispose();
            threads.ForEach(t => t.Join());
            Assert.True(right >= 100);
        }
    }

    [Fact]
    public async Task Cancellation_ends_a_call_early_and_the_session_runs_on()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Slow(1500));
        using var source = new CancellationTokenSource();
        Task<LorqOutputs> run = session.RunAsync([Rows], null, source.Token);
        var watch = Stopwatch.StartNew();
        await Task.Delay(50);
        await source.CancelAsync();
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(source.Token, e.CancellationToken);
        Assert.True(run.IsCanceled);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"took {watch.Elapsed}");

        Assert.ThrowsAny<OperationCanceledException>(() => session.Run([Rows], null, source.Token));
        float[] y = new float[384];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            session.RunIntoAsync([InputTensor.Of("x", y, 1, 384)], [OutputTensor.Of("y", y, 1, 384)], null, source.Token)
        );
        using LorqOutputs outputs = session.Run([InputTensor.Of("x", y, 1, 384)]);
        Assert.Equal([1L, 384L], outputs[0].Dimensions.ToArray());
    }

    [Fact]
    public async Task A_wrong_call_fails_its_task()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        Task<LorqOutputs> run = session.RunAsync([Rows]);
        await Assert.ThrowsAsync<InvalidTensorException>(() => run);
    }
}
