using System.Collections.Frozen;
using Lorq.Onnx;

namespace Lorq.Rewriting.Opsets;

/// <summary>Converts one node in place, inserting nodes around it where needed; answers null, or why it cannot be converted.</summary>
internal delegate string? OpsetRule(OpsetStep step, NodeProto node);

/// <summary>Which operators may pass the versions 7 to 21 of the default domain, and how.</summary>
internal static class OperatorTable
{
    private const string Unchanged = """
        Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
        BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Col2Im Compress Concat ConcatFromSequence Constant ConstantOfShape Conv
        ConvInteger ConvTranspose Cos Cosh CumSum DeformConv DepthToSpace DequantizeLinear Det Div DynamicQuantizeLinear Einsum Elu
        Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool
        GlobalMaxPool Greater GreaterOrEqual HammingWindow HannWindow HardSigmoid HardSwish Identity If InstanceNormalization IsInf
        IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log Loop LpNormalization LpPool MatMul MatMulInteger Max MaxPool
        MaxRoiPool MaxUnpool Mean MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg NegativeLogLikelihoodLoss
        NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement Or PRelu Pow QLinearConv QLinearMatMul
        QuantizeLinear RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal Relu Reshape ReverseSequence
        Round STFT ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert
        SequenceLength Shape Shrink Sigmoid Sign Sin Sinh Size SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth SplitToSequence
        Sqrt StringNormalizer Sub Sum Tan Tanh TfIdfVectorizer ThresholdedRelu Tile Transpose Trilu Unique Where Xor
        """;

    private static readonly FrozenSet<string> Compatible = Unchanged
        .Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
        .ToFrozenSet();

    /// <summary>Operators with a conversion (or a condition).</summary>
    public static FrozenDictionary<string, OpsetRule> Rules { get; } =
        new Dictionary<string, OpsetRule>
        {
            ["AveragePool"] = LayerRules.AveragePool,
            ["BatchNormalization"] = LayerRules.BatchNormalization,
            ["Clip"] = InputRules.Clip,
            ["DFT"] = InputRules.Dft,
            ["Dropout"] = LayerRules.Dropout,
            ["GridSample"] = ResamplingRules.GridSample,
            ["GroupNormalization"] = LayerRules.GroupNormalization,
            ["Hardmax"] = SoftmaxRules.Convert,
            ["LogSoftmax"] = SoftmaxRules.Convert,
            ["Pad"] = InputRules.Pad,
            ["ReduceL1"] = InputRules.Axes18,
            ["ReduceL2"] = InputRules.Axes18,
            ["ReduceLogSum"] = InputRules.Axes18,
            ["ReduceLogSumExp"] = InputRules.Axes18,
            ["ReduceMax"] = InputRules.Axes18,
            ["ReduceMean"] = InputRules.Axes18,
            ["ReduceMin"] = InputRules.Axes18,
            ["ReduceProd"] = InputRules.Axes18,
            ["ReduceSum"] = InputRules.Axes13,
            ["ReduceSumSquare"] = InputRules.Axes18,
            ["Resize"] = ResamplingRules.Resize,
            ["RoiAlign"] = ResamplingRules.RoiAlign,
            ["Scan"] = LayerRules.Scan,
            ["Scatter"] = LayerRules.Scatter,
            ["Slice"] = InputRules.Slice,
            ["Softmax"] = SoftmaxRules.Convert,
            ["Split"] = InputRules.Split,
            ["Squeeze"] = InputRules.Axes13,
            ["TopK"] = InputRules.TopK,
            ["Unsqueeze"] = InputRules.Axes13,
            ["Upsample"] = ResamplingRules.Upsample,
        }.ToFrozenDictionary();

    /// <summary>True when later versions only added types, optional inputs, or attributes whose defaults keep the old meaning.</summary>
    public static bool IsCompatible(string operation) => Compatible.Contains(operation);
}
