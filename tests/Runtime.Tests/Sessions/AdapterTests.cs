using Lorq.Runtime.Tests.Cpu;
using Lorq.Runtime.Tests.Operators;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>ONNX Runtime's adapters on a compressed node, chosen by name per call.</summary>
public sealed class AdapterTests
{
    private const int K = 30;
    private const int N = 20;
    private const int Rank = 4;

    [Fact]
    public async Task A_call_applies_the_adapters_it_names()
    {
        var weights = new RandomWeights(5, K, N, 4, 32, false, ScaleForm.Single, Factors.None, 0);
        byte[] model = StoredForm
            .Model("LowRankQMatMul", weights)
            .Input("adapter_a", DataType.Float)
            .Input("adapter_b", DataType.Float)
            .Constant<float>("adapter_a", DataType.Float, [], K, 0)
            .Constant<float>("adapter_b", DataType.Float, [], 0, N)
            .Bytes();
        using LorqSession session = LorqSession.Load(model, new() { Activations = ActivationMode.Exact });
        Assert.Equal(["x"], session.Inputs.Select(i => i.Name));
        float[] x = RandomWeights.Normals(new Random(1), 2 * K, 1);
        InputTensor[] inputs = [InputTensor.Of("x", x, 2, K)];
        double[] bare = weights.Multiply(x, [.. x.Select(v => (double)v)], 2);

        string path = Path.GetTempFileName();
        try
        {
            (double[] first, byte[] file) = Adapter(2, x);
            await File.WriteAllBytesAsync(path, file);
            session.LoadAdapter("first", path);
            (double[] second, file) = Adapter(3, x);
            session.LoadAdapter("second", file);
            Assert.Equal(["first", "second"], session.Adapters);

            Expect(bare, session.Run(inputs));
            Expect([.. bare.Zip(first, (y, d) => y + d)], session.Run(inputs, new() { Adapters = ["first"] }));
            Expect([.. bare.Zip(second, (y, d) => y + d)], await session.RunAsync(inputs, new() { Adapters = ["second"] }));
            Expect(bare, session.Run(inputs));

            var e = Assert.Throws<ArgumentException>(() => session.Run(inputs, new() { Adapters = ["third"] }));
            Assert.Contains("Loaded: 'first', 'second'.", e.Message, StringComparison.Ordinal);
            session.LoadAdapter("first", file); // replaces
            Expect([.. bare.Zip(second, (y, d) => y + d)], session.Run(inputs, new() { Adapters = ["first"] }));
            Assert.True(session.RemoveAdapter("first"));
            Assert.False(session.RemoveAdapter("first"));
            Assert.Equal(["second"], session.Adapters);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void What_is_no_adapter_is_refused()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        Assert.Throws<OnnxRuntimeException>(() => session.LoadAdapter("x", new byte[] { 1, 2, 3 }));
        Assert.Throws<FileNotFoundException>(() => session.LoadAdapter("x", "/nowhere/x.onnx_adapter"));
        Assert.Empty(session.Adapters);
    }

    [Fact]
    public void Adapters_come_and_go_while_calls_run()
    {
        byte[] model = ModelBuilder.Sum();
        byte[] two = AdapterFile.Of(("scale", [2f], [1]));
        using LorqSession session = LorqSession.Load(model);
        session.LoadAdapter("scale", two);
        var swaps = new Thread(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                session.LoadAdapter("scale", two);
            }
        });
        swaps.Start();
        InputTensor[] inputs = [InputTensor.Of("a", [1f, 2, 3, 4], 1, 4), InputTensor.Of("b", new float[4], 1, 4)];
        Parallel.For(
            0,
            400,
            _ =>
            {
                using LorqOutputs outputs = session.Run(inputs, new() { Adapters = ["scale"] });
                Assert.Equal([2f, 4, 6, 8], outputs[0].ToArray<float>());
            }
        );
        swaps.Join();
    }

    private static (double[] Difference, byte[] File) Adapter(int seed, float[] x)
    {
        float[] a = RandomWeights.Normals(new Random(seed), K * Rank, 1);
        float[] b = RandomWeights.Normals(new Random(seed + 100), Rank * N, 1);
        double[] difference = new double[2 * N];
        for (int i = 0; i < 2 * N; i++)
        {
            for (int j = 0; j < Rank; j++)
            {
                double t = Enumerable.Range(0, K).Sum(k => (double)x[i / N * K + k] * a[k * Rank + j]);
                difference[i] += t * b[j * N + i % N];
            }
        }
        return (difference, AdapterFile.Of(("adapter_a", a, [K, Rank]), ("adapter_b", b, [Rank, N])));
    }

    private static void Expect(double[] expected, LorqOutputs outputs)
    {
        using (outputs)
        {
            KernelTests.AssertClose(expected, outputs[0].ToArray<float>(), 1e-5, "adapter");
        }
    }
}
