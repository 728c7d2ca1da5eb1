using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>What goes in and comes out.</summary>
public sealed class RunTests
{
    private static readonly float[] A = [1, 2, 3, 4, 5, 6, 7, 8];
    private static readonly float[] B = [10, 20, 30, 40, 50, 60, 70, 80];
    private static readonly float[] Sum = [11, 22, 33, 44, 55, 66, 77, 88];

    [Fact]
    public void Metadata_is_the_models()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        Assert.Equal(["a: Float[batch, 4]", "b: Float[batch, 4]"], session.Inputs.Select(i => i.ToString()));
        Assert.Equal(["scale: Float[1]"], session.OptionalInputs.Select(i => i.ToString()));
        Assert.Equal(["sum: Float[batch, 4]", "twice: Float[batch, 4]"], session.Outputs.Select(i => i.ToString()));
        Assert.Equal(new TensorDimension(null, "batch"), session.Inputs[0].Dimensions[0]);
        Assert.Equal(new TensorDimension(4, null), session.Inputs[0].Dimensions[1]);
        Assert.Same(ExecutionProvider.Cpu, session.Provider);
        Assert.False(session.IsVerified);
    }

    [Fact]
    public void Spans_go_in_and_owned_outputs_come_out()
    {
        using LorqSession session = LorqSession.Load(new MemoryStream(ModelBuilder.Sum()));
        Span<float> a = stackalloc float[8];
        A.CopyTo(a);
        using LorqOutputs outputs = session.Run(TensorView.Of<float>("a", a, [2, 4]), TensorView.Of<float>("b", B, [2, 4]));
        Assert.Equal(["sum", "twice"], outputs.Select(o => o.Name));
        Assert.Equal(Sum, outputs["sum"].AsSpan<float>().ToArray());
        Assert.Equal([2L, 4L], outputs["sum"].Dimensions.ToArray());
        Assert.Equal(16f, outputs[1].AsTensorSpan<float>()[1, 3]);
        Assert.Equal([2, 4], outputs[1].ToTensor<float>().Lengths.ToArray());
        Assert.Throws<InvalidTensorException>(() => outputs["sum"].ToArray<int>());
        Assert.Throws<InvalidTensorException>(() => outputs["other"]);
    }

    [Fact]
    public void Lists_tensors_and_optional_inputs_go_in()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        Tensor<float> b = Tensor.Create(B, [2, 4]);
        using LorqOutputs outputs = session.Run(
            [InputTensor.Of("scale", [2f], 1), InputTensor.Of("b", b), InputTensor.Of("a", A.AsMemory(), 2, 4)],
            new() { Outputs = ["sum"] }
        );
        Assert.Equal([12f, 24, 36, 48, 60, 72, 84, 96], Assert.Single(outputs).ToArray<float>());
        using LorqOutputs spans = session.Run(TensorView.Of("a", b), TensorView.Of("b", b.AsReadOnlyTensorSpan()));
        Assert.Equal([20f, 40, 60, 80, 100, 120, 140, 160], spans[0].ToArray<float>());
        using LorqOutputs chained = session.Run([InputTensor.Of("a", spans[0].Value), InputTensor.Of("b", spans[1].Value)]);
        Assert.Equal([40f, 80, 120, 160, 200, 240, 280, 320], chained[0].ToArray<float>());
    }

    [Fact]
    public async Task Outputs_go_into_buffers()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        float[] sum = new float[8];
        Tensor<float> twice = Tensor.Create(new float[8], [2, 4]);
        InputTensor[] inputs = [InputTensor.Of("a", A, 2, 4), InputTensor.Of("b", B, 2, 4)];
        session.RunInto(inputs, [OutputTensor.Of("twice", twice), OutputTensor.Of("sum", sum, 2, 4)]);
        Assert.Equal(Sum, sum);
        Assert.Equal(14f, twice[1, 2]);
        sum.AsSpan().Clear();
        session.RunInto(
            TensorBuffer.Of("sum", sum.AsSpan(), [2, 4]),
            TensorView.Of<float>("a", A, [2, 4]),
            TensorView.Of<float>("b", B, [2, 4])
        );
        Assert.Equal(Sum, sum);
        sum.AsSpan().Clear();
        await session.RunIntoAsync(inputs, [OutputTensor.Of("sum", sum, 2, 4)]);
        Assert.Equal(Sum, sum);
        using LorqOutputs outputs = await session.RunAsync(inputs);
        Assert.Equal(Sum, outputs["sum"].ToArray<float>());
    }

    [Fact]
    public void Inputs_of_an_optional_type_are_given_or_left_out()
    {
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "n")
            .OptionalInput("mask", DataType.Float, "n")
            .Node("OptionalHasElement", "has", "mask")
            .Node("Identity", "y", "x")
            .Output("y", DataType.Float, "n")
            .Output("has", DataType.Bool)
            .Bytes();
        using LorqSession session = LorqSession.Load(model);
        Assert.Equal("x: Float[n]", Assert.Single(session.Inputs).ToString());
        Assert.Equal("mask: Float[n]", Assert.Single(session.OptionalInputs).ToString());
        var x = InputTensor.Of("x", [1f, 2], 2);
        using LorqOutputs without = session.Run([x]);
        Assert.False(without["has"].AsSpan<bool>()[0]);
        using LorqOutputs with = session.Run([x, InputTensor.Of("mask", [1f, 0], 2)]);
        Assert.True(with["has"].AsSpan<bool>()[0]);
        Refused("'n', which is 2 in input 'x'", () => session.Run([x, InputTensor.Of("mask", [1f], 1)]).Dispose());
        Refused("element type Int64", () => session.Run([x, InputTensor.Of("mask", [1L, 0], 2)]).Dispose());
    }

    [Fact]
    public void A_ref_struct_of_the_callers_holds_the_inputs()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        float[] sum = new float[8];
        var inputs = new Pair { A = A, B = B };
        var buffers = new Target { Sum = sum };
        session.RunViewsInto(ref inputs, ref buffers);
        Assert.Equal(Sum, sum);
    }

    [Fact]
    public void Every_element_type_passes_unchanged()
    {
        Pass(DataType.Float, 1.5f, -2f);
        Pass(DataType.Double, 1.5, -2);
        Pass(DataType.Float16, (Half)1.5f, (Half)(-2));
        Pass(DataType.Float16, (Float16)1.5f, (Float16)(-2f));
        Pass(DataType.Bfloat16, (BFloat16)1.5f, (BFloat16)(-2f));
        Pass(DataType.Bool, true, false);
        Pass<byte>(DataType.Uint8, 200, 1);
        Pass<sbyte>(DataType.Int8, -100, 1);
        Pass<short>(DataType.Int16, -30000, 1);
        Pass<ushort>(DataType.Uint16, 60000, 1);
        Pass(DataType.Int32, int.MinValue, 1);
        Pass(DataType.Uint32, uint.MaxValue, 1u);
        Pass(DataType.Int64, long.MinValue, 1L);
        Pass(DataType.Uint64, ulong.MaxValue, 1uL);
        Assert.Throws<NotSupportedException>(() => InputTensor.Of("x", [1m], 1).View());
    }

    [Fact]
    public void Strings_scalars_and_nothing_pass()
    {
        using (LorqSession session = LorqSession.Load(ModelBuilder.Identity(DataType.String, "n")))
        {
            string[] texts = ["", "süß", "a\0b", "日本"];
            using LorqOutputs outputs = session.Run([InputTensor.Of("x", texts, 4)]);
            Assert.Equal(texts, outputs[0].ToStrings());
            using LorqOutputs spans = session.Run(TensorView.Of("x", texts.AsSpan(1, 2), [2]));
            Assert.Equal(texts[1..3], spans[0].ToStrings());
        }
        using (LorqSession session = LorqSession.Load(ModelBuilder.Identity(DataType.Float)))
        {
            using LorqOutputs outputs = session.Run(TensorView.Of<float>("x", [3f], []));
            Assert.Equal([3f], outputs[0].ToArray<float>());
            Assert.Equal(0, outputs[0].Dimensions.Length);
            Assert.Equal(3f, outputs[0].ToTensor<float>()[0]);
            Assert.Equal(3f, outputs[0].AsTensorSpan<float>()[0]);
        }
        using (LorqSession session = LorqSession.Load(ModelBuilder.Identity(DataType.Float, "n", "4")))
        {
            using LorqOutputs outputs = session.Run(TensorView.Of<float>("x", [], [0, 4]));
            Assert.Equal([0L, 4L], outputs[0].Dimensions.ToArray());
            Assert.Empty(outputs[0].ToArray<float>());
            Assert.Equal([0, 4], outputs[0].AsTensorSpan<float>().Lengths.ToArray());
            Assert.Equal([0, 4], outputs[0].ToTensor<float>().Lengths.ToArray());
        }
    }

    /// <summary>Many models run on nothing; where one cannot, the input is named and not a node alone.</summary>
    [Fact]
    public void An_empty_input_that_the_model_cannot_take_is_named()
    {
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "n", "4")
            .Constant("first", DataType.Int64, [0L], 1)
            .Node("Gather", "y", "x", "first")
            .Output("y", DataType.Float, "1", "4")
            .Bytes();
        using LorqSession session = LorqSession.Load(model);
        var e = Assert.Throws<InvalidTensorException>(() => session.Run(TensorView.Of<float>("x", [], [0, 4])).Dispose());
        Assert.StartsWith("Input 'x' has no elements, and a node of the model failed: ", e.Message, StringComparison.Ordinal);
        var spans = Assert.Throws<InvalidTensorException>(() =>
            session.Run(TensorView.Of("x", default(ReadOnlyTensorSpan<float>))).Dispose()
        );
        Assert.Equal("The tensor for input 'x' is empty.", spans.Message);
    }

    [Fact]
    public void Owned_outputs_never_lie_in_the_callers_memory()
    {
        byte[] model = new ModelBuilder()
            .Input("x", DataType.Float, "n", "4")
            .Constant("flat", DataType.Int64, [-1L], 1)
            .Node("Reshape", "reshaped", "x", "flat")
            .Node("Identity", "same", "x")
            .Output("x", DataType.Float, "n", "4")
            .Output("same", DataType.Float, "n", "4")
            .Output("reshaped", DataType.Float, "m")
            .Bytes();
        using LorqSession session = LorqSession.Load(model);
        float[] x = [.. A];
        using LorqOutputs outputs = session.Run([InputTensor.Of("x", x, 2, 4)]);
        x.AsSpan().Fill(-1);
        Assert.All(outputs, o => Assert.Equal(A, o.ToArray<float>()));
    }

    [Theory]
    [InlineData("c", 2, 4, "has no input 'c'. Its inputs: 'a', 'b', 'scale'.")]
    [InlineData("a", 2, 4, "'a' of the model is given twice")]
    [InlineData("", 2, 4, "Input 'b' of the model is missing. It is b: Float[batch, 4].")]
    [InlineData("b", 8, 0, "has rank 1, shape [8]; the model says b: Float[batch, 4].")]
    [InlineData("b", 4, 2, "dimension 1 is 2, not 4")]
    [InlineData("b", 3, 4, "has 8 elements, which shape [3, 4] does not hold.")]
    [InlineData("b", -2, 4, "dimension 0 is negative")]
    public void What_does_not_fit_is_refused_by_name(string name, long first, long second, string message)
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        long[] dims = second == 0 ? [first] : [first, second];
        var a = InputTensor.Of("a", A, 2, 4);
        var e = Assert.Throws<InvalidTensorException>(() =>
        {
            using LorqOutputs outputs = session.Run(name.Length == 0 ? [a] : [a, InputTensor.Of(name, B, dims)]);
        });
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal(name.Length == 0 ? "b" : name, e.Tensor);
    }

    [Fact]
    public void Wrong_types_and_outputs_are_refused_by_name()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        InputTensor[] inputs = [InputTensor.Of("a", A, 2, 4), InputTensor.Of("b", B, 2, 4)];
        Refused(
            "Input 'b' of the model has element type Int32; the model says b: Float[batch, 4].",
            () => session.Run([inputs[0], InputTensor.Of("b", new int[8], 2, 4)]).Dispose()
        );
        Refused("element type String", () => session.Run([InputTensor.Of("a", ["x"], 1)]).Dispose());
        Refused("has no output 'z'", () => session.Run(inputs, new() { Outputs = ["z"] }).Dispose());
        Refused("'sum' of the model is given twice", () => session.Run(inputs, new() { Outputs = ["sum", "sum"] }).Dispose());
        Refused(
            "The buffer for output 'sum' of the model has element type Double",
            () => session.RunInto(inputs, [OutputTensor.Of("sum", new double[8], 2, 4)])
        );
        Refused("has 7 elements", () => session.RunInto(inputs, [OutputTensor.Of("sum", new float[7], 2, 4)]));
        Refused(
            "is not dense",
            () => session.Run([inputs[0], InputTensor.Of("b", Tensor.Create(new float[16], [2, 4], [8, 2]))]).Dispose()
        );
        using OrtValue value = OrtValue.CreateTensorValueFromMemory(new long[8], [2, 4]);
        Refused("element type Int64", () => session.Run([inputs[0], InputTensor.Of("b", value)]).Dispose());
        Assert.Throws<ArgumentException>(() => session.RunInto(inputs, []));
        Assert.Throws<ArgumentException>(() => session.Run([inputs[0], null!]));
        Assert.Throws<ArgumentException>(() =>
            session.RunInto(inputs, [OutputTensor.Of("sum", new float[8], 2, 4)], new() { Outputs = ["sum"] })
        );
        // Only the run knows the free dimensions: refused by ONNX Runtime, named by us where names tell, the buffer's neighbours untouched.
        float[] three = [.. Enumerable.Repeat(7f, 12)];
        void Small(LorqSession by) => by.RunInto(inputs, [OutputTensor.Of("sum", three.AsMemory(0, 4), 1, 4)]);
        Refused(
            "The buffer for output 'sum' of the model has shape [1, 4]: dimension 0 is 'batch', which is 2 in input 'a'",
            () => Small(session)
        );
        using LorqSession careless = LorqSession.Load(ModelBuilder.Sum(), new() { CheckDimensionNames = false });
        Assert.Throws<OnnxRuntimeException>(() => Small(careless));
        Assert.All(three[4..], v => Assert.Equal(7f, v));
    }

    private static void Refused(string message, Action run) =>
        Assert.Contains(message, Assert.Throws<InvalidTensorException>(run).Message, StringComparison.Ordinal);

    private static void Pass<T>(DataType type, params T[] values)
        where T : unmanaged
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Identity(type, "n"));
        using LorqOutputs outputs = session.Run([InputTensor.Of("x", values, values.Length)]);
        Assert.Equal(values, outputs[0].ToArray<T>());
        T[] buffer = new T[values.Length];
        session.RunInto([InputTensor.Of("x", values, values.Length)], [OutputTensor.Of("y", buffer, values.Length)]);
        Assert.Equal(values, buffer);
    }

    private ref struct Pair : ITensorViews
    {
        public ReadOnlySpan<float> A;
        public ReadOnlySpan<float> B;

        public readonly int Count => 3;

        public readonly TensorView this[int index] =>
            index switch
            {
                0 => TensorView.Of("a", A, [2, 4]),
                1 => default, // an optional input that is left out
                _ => TensorView.Of("b", B, [2, 4]),
            };
    }

    private ref struct Target : ITensorBuffers
    {
        public Span<float> Sum;

        public readonly int Count => 2;

        public readonly TensorBuffer this[int index] => index == 0 ? TensorBuffer.Of("sum", Sum, [2, 4]) : default;
    }
}
