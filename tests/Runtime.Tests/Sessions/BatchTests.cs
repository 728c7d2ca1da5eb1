using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Many samples in, batches through the model, each sample's own results out, in order.</summary>
public sealed class BatchTests
{
    [Fact]
    public void Every_sample_gets_what_a_call_of_its_own_gives()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        var random = new Random(4);
        for (int trial = 0; trial < 50; trial++)
        {
            InputTensor[][] samples =
            [
                .. Enumerable
                    .Range(0, random.Next(0, 12))
                    .Select(_ => random.Next(1, 4))
                    .Select(rows => new[] { Rows("a", random, rows, 4), Rows("b", random, rows, 4) }),
            ];
            float[][] expected = [.. samples.Select(s => One(session, s))];
            float[][] actual =
            [
                .. session.RunBatches(
                    samples,
                    s => new(s),
                    o => o["sum"].ToArray<float>().Concat(o["twice"].ToArray<float>()).ToArray(),
                    new() { MaxSize = random.Next(1, 8) }
                ),
            ];
            Assert.Equal(expected, actual);
        }

        static float[] One(LorqSession session, InputTensor[] sample)
        {
            using LorqOutputs outputs = session.Run(sample);
            return [.. outputs["sum"].ToArray<float>(), .. outputs["twice"].ToArray<float>()];
        }
    }

    [Theory]
    [InlineData(3, new[] { 3, 3, 3, 2, 2 })]
    [InlineData(5, new[] { 5, 5, 5, 5, 5 })]
    [InlineData(1, new[] { 1, 1, 1, 1, 1 })]
    public void Batches_are_as_large_as_they_may_be(int maxSize, int[] sizes)
    {
        using LorqSession session = LorqSession.Load(Counted());
        IEnumerable<int> actual = session.RunBatches(Enumerable.Range(0, 5), i => Line(i, 2), BatchSize, new() { MaxSize = maxSize });
        Assert.Equal(sizes, actual);
    }

    [Fact]
    public void Samples_that_do_not_go_together_are_in_different_batches()
    {
        using LorqSession session = LorqSession.Load(Counted());
        session.LoadAdapter("two", AdapterFile.Of(("scale", [2f], [1])));
        BatchSample[] samples =
        [
            Line(0, 2),
            Line(1, 2),
            Line(2, 3), // another length
            Line(3, 3),
            Line(4, 3, 7), // another value of an input without a batch
            Line(5, 3, 7),
            Line(6, 3), // without that input
            Line(7, 3) with
            {
                Options = new() { Adapters = ["two"] },
            },
            Line(8, 3) with
            {
                Options = new() { Adapters = ["two"] },
            },
            Line(9, 3) with
            {
                Options = new() { Adapters = ["two"], Outputs = ["y", "rows"] },
            },
        ];
        (int Size, float First)[] actual = [.. session.RunBatches(samples, s => s, o => (BatchSize(o), o["y"].AsSpan<float>()[0]))];
        Assert.Equal([2, 2, 2, 2, 2, 2, 1, 2, 2, 1], actual.Select(a => a.Size));
        Assert.Equal([0f, 1, 2, 3, 28, 35, 6, 14, 16, 18], actual.Select(a => a.First));
    }

    [Fact]
    public void Padding_fills_up_and_is_cut_off_again()
    {
        using LorqSession session = LorqSession.Load(Counted());
        int[] lengths = [3, 1, 4, 0, 2];
        LorqBatchOptions options = new() { Padding = [PadValue.Of("x", 0.5f)] };
        (int Size, float[] Y, float Sum)[] actual =
        [
            .. session.RunBatches(
                lengths,
                n => Line(n, n),
                o => (BatchSize(o), o["y"].ToArray<float>(), o["total"].AsSpan<float>()[0]),
                options
            ),
        ];
        Assert.All(actual, a => Assert.Equal(5, a.Size));
        Assert.Equal(lengths.Select(n => Enumerable.Repeat((float)n, n)), actual.Select(a => a.Y));
        Assert.Equal(lengths.Select(n => (n * n) + (0.5f * (4 - n))), actual.Select(a => a.Sum)); // the model has seen what fills up
    }

    [Fact]
    public void Strings_and_other_places_of_the_batch_are_put_together_and_cut_too()
    {
        byte[] model = new ModelBuilder()
            .Input("words", DataType.String, "length", "batch", "2")
            .Node("Identity", "same", "words")
            .Output("same", DataType.String, "length", "batch", "2")
            .Bytes();
        using LorqSession session = LorqSession.Load(model);
        string[][] samples =
        [
            ["a", "b"],
            ["c", "d", "é", ""],
            ["g", "h"],
        ];
        (int Length, string[] Words)[] actual =
        [
            .. session.RunBatches(
                samples,
                s => new([InputTensor.Of("words", s, s.Length / 2, 1, 2)]),
                o => ((int)o[0].Dimensions[0], o[0].ToStrings()),
                new() { Dimension = "batch", Padding = [PadValue.Of("words", "-")] }
            ),
        ];
        Assert.Equal(samples, actual.Select(a => a.Words));
        Assert.Equal([1, 2, 1], actual.Select(a => a.Length));
        // Where the model gives the dimension of the output no name, what fills up stays.
        byte[] nameless = new ModelBuilder()
            .Input("words", DataType.String, "batch", "length")
            .Node("Identity", "same", "words")
            .Output("same", DataType.String, "batch", "other")
            .Bytes();
        using LorqSession kept = LorqSession.Load(nameless);
        string[][] texts =
        [
            .. kept.RunBatches(
                samples,
                s => new([InputTensor.Of("words", s, 1, s.Length)]),
                o => o[0].ToStrings(),
                new() { Padding = [PadValue.Of("words", "-")] }
            ),
        ];
        Assert.Equal(
            [
                ["a", "b", "-", "-"],
                ["c", "d", "é", ""],
                ["g", "h", "-", "-"],
            ],
            texts
        );
    }

    [Fact]
    public void A_fixed_length_is_no_number_of_rows()
    {
        // Both samples together have as many rows as the output has numbers.
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "batch")
            .Input("y", DataType.Float, "4")
            .Node("Identity", "same", "y")
            .Output("same", DataType.Float, "4")
            .Bytes();
        using LorqSession session = LorqSession.Load(model);
        float[] fixedInput = [1, 2, 3, 4];
        IEnumerable<float[]> run = session.RunBatches(
            new[] { new float[2], new float[2] },
            s => new([InputTensor.Of("x", s, s.Length), InputTensor.Of("y", fixedInput, 4)]),
            o => o[0].AsSpan<float>().ToArray()
        );
        Assert.Contains("cannot be cut", Assert.Throws<NotSupportedException>(() => run.ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_of_onnx_runtime_run_alone()
    {
        using LorqSession session = LorqSession.Load(Counted());
        using OrtValue value = OrtValue.CreateTensorValueFromMemory([3f, 4f], [1, 2]);
        BatchSample given = new([InputTensor.Of("x", value)]);
        Assert.Equal([1, 1, 2, 2], session.RunBatches([given, given, Line(1, 2), Line(2, 2)], s => s, BatchSize));
    }

    [Fact]
    public void Samples_are_read_as_results_are_asked_for()
    {
        using LorqSession session = LorqSession.Load(Counted());
        int read = 0;
        IEnumerable<int> Endless()
        {
            while (true)
            {
                yield return read++;
            }
        }
        float[] first = [.. session.RunBatches(Endless(), i => Line(i, 1), o => o["y"].AsSpan<float>()[0], new() { MaxSize = 4 }).Take(6)];
        Assert.Equal([0f, 1, 2, 3, 4, 5], first);
        Assert.Equal(9, read);
    }

    [Fact]
    public void What_is_wrong_is_said_when_the_batch_is_asked_for_and_by_name()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        InputTensor[] good = [InputTensor.Of("a", new float[4], 1, 4), InputTensor.Of("b", new float[4], 1, 4)];
        InputTensor[] rows = [good[0], InputTensor.Of("b", new float[8], 2, 4)];
        List<int> results = [];
        IEnumerable<int> run = session.RunBatches([good, good, rows], s => new(s), _ => 1, new() { MaxSize = 1 });
        var e = Assert.Throws<InvalidTensorException>(() => results.AddRange(run));
        Assert.Equal("b", e.Tensor);
        // Padding does not hide that lengths of one sample disagree.
        byte[] pair = new ModelBuilder()
            .Input("ids", DataType.Float, "batch", "length")
            .Input("mask", DataType.Float, "batch", "length")
            .Node("Mul", "y", "ids", "mask")
            .Output("y", DataType.Float, "batch", "length")
            .Bytes();
        using LorqSession masked = LorqSession.Load(pair);
        BatchSample[] samples = [new([Line("ids", 1, 3), Line("mask", 1, 3)]), new([Line("ids", 1, 2), Line("mask", 1, 1)])];
        LorqBatchOptions options = new() { Padding = [PadValue.Of("ids", 0f), PadValue.Of("mask", 0f)] };
        e = Assert.Throws<InvalidTensorException>(() => masked.RunBatches(samples, s => s, _ => 1, options).ToList());
        Assert.Contains("'length', which is 2 in input 'ids'", e.Message, StringComparison.Ordinal);
        using LorqSession careless = LorqSession.Load(pair, new() { CheckDimensionNames = false });
        BatchSample uneven = new([Line("ids", 1, 2), InputTensor.Of("mask", new float[4], 2, 2)]);
        Assert.Contains(
            "2 rows and another input of the sample 1",
            Assert.Throws<InvalidTensorException>(() => careless.RunBatches([uneven], s => s, _ => 1).ToList()).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<InvalidTensorException>(() => session.RunBatches([good[..1]], s => new(s), _ => 1).ToList());
        Assert.Throws<ArgumentNullException>(() => session.RunBatches([good], _ => null!, _ => 1).ToList());
        Assert.ThrowsAny<OperationCanceledException>(() =>
            session.RunBatches([good], s => new(s), _ => 1, null, new CancellationToken(true)).ToList()
        );
    }

    [Fact]
    public void Options_are_checked_at_once()
    {
        LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        Assert.Throws<ArgumentOutOfRangeException>(() => Start(session, new() { MaxSize = 0 }));
        Assert.Throws<ArgumentException>(() => Start(session, new() { Dimension = "time" }));
        Assert.Throws<ArgumentException>(() => Start(session, new() { Padding = [PadValue.Of("c", 1f)] }));
        Assert.Throws<InvalidTensorException>(() => Start(session, new() { Padding = [PadValue.Of("a", 1L)] }));
        using LorqSession still = LorqSession.Load(ModelBuilder.Identity(DataType.Float, "1", "n"));
        Assert.Throws<NotSupportedException>(() => Start(still, new()));
        Assert.Throws<ArgumentNullException>(() => session.RunBatches<int, int>(null!, _ => new([]), _ => 1));
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Start(session, new()));

        static void Start(LorqSession session, LorqBatchOptions options) => session.RunBatches<int, int>([], _ => new([]), _ => 1, options);
    }

    [Fact]
    public void Outputs_without_rows_are_refused()
    {
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "batch", "2")
            .Node("ReduceSum", "total", "x")
            .Output("total", DataType.Float, "1", "1")
            .Bytes();
        using LorqSession session = LorqSession.Load(model);
        Assert.Contains(
            "Output 'total' of a batch of 2 rows has shape [1, 1]",
            Assert
                .Throws<NotSupportedException>(() =>
                    session.RunBatches([1, 2], i => new([InputTensor.Of("x", [i, 0f], 1, 2)]), _ => 1).ToList()
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    /// <summary><c>y = x·scale</c>, <c>total</c> its sum per row, and in <c>rows</c> how many rows the call had.</summary>
    private static byte[] Counted() =>
        new ModelBuilder()
            .Input("x", DataType.Float, "batch", "length")
            .Input("scale", DataType.Float, "1")
            .Constant("scale", DataType.Float, [1f], 1)
            .Constant("last", DataType.Int64, [1L], 1)
            .Constant("first", DataType.Int64, [0L], 1)
            .Constant("zero", DataType.Float, [0f], 1)
            .Constant("one", DataType.Float, [1f], 1)
            .Node("Mul", "y", "x", "scale")
            .Node("ReduceSum", "total", "x", "last")
            .Node("Mul", "nothing", "total", "zero")
            .Node("Add", "ones", "nothing", "one")
            .Node("ReduceSum", "count", "ones", "first")
            .Node("Add", "rows", "nothing", "count")
            .Output("y", DataType.Float, "batch", "length")
            .Output("total", DataType.Float, "batch", "1")
            .Output("rows", DataType.Float, "batch", "1")
            .Bytes();

    private static int BatchSize(LorqOutputs outputs) => (int)outputs["rows"].AsSpan<float>()[0];

    private static BatchSample Line(float value, int length, float? scale = null) =>
        new([Line("x", value, length), .. scale is { } s ? new[] { InputTensor.Of("scale", [s], 1) } : []]);

    private static InputTensor Line(string name, float value, int length) =>
        InputTensor.Of(name, [.. Enumerable.Repeat(value, length)], 1, length);

    private static InputTensor Rows(string name, Random random, int rows, int columns) =>
        InputTensor.Of(name, [.. Enumerable.Range(0, rows * columns).Select(_ => random.NextSingle())], rows, columns);
}
